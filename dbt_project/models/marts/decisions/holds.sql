with

service_cases as (

    select * from {{ ref('service_cases') }}
    where customer_id is not null

),

held as (

    select
        case_id as hold_id,
        customer_id,
        case
            when is_open then 'service_case_open'
            else 'service_case_closed'
        end as reason,
        opened_at as starts_at,
        {{ dbt.dateadd('day', 3, 'closed_at') }} as ends_at,
        is_blocking as is_active
    from service_cases

)

select * from held
