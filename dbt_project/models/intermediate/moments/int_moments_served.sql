with

service_cases as (

    select * from {{ ref('service_cases') }}
    where customer_id is not null

),

served as (

    select
        customer_id,
        'case_opened' as moment,
        case_id as entry_key,
        opened_at as occurred_at,
        opened_at as detected_at,
        replace(case_id, 'helpdesk:', 'helpdesk/cases:') as evidence
    from service_cases
    union all
    select
        customer_id,
        'case_closed' as moment,
        case_id as entry_key,
        closed_at as occurred_at,
        closed_at as detected_at,
        replace(case_id, 'helpdesk:', 'helpdesk/cases:') as evidence
    from service_cases
    where closed_at is not null

)

select * from served
