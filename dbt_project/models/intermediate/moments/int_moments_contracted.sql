{#- How long before its last day the chance to cancel is near. -#}
{%- set notice_days = 30 -%}

with

contracts as (

    select * from {{ ref('int_contracts_resolved') }}
    where customer_id is not null

),

invoices as (

    select * from {{ ref('int_invoices_judged') }}
    where customer_id is not null

),

timed as (

    select
        contracts.*,
        {{ start_of_day('notice_date', -notice_days) }} as notice_near_at,
        {{ start_of_day('ends_date', 1) }} as ended_at
    from contracts

),

renewals as (

    select
        renewed_billing_contract_id,
        min(created_at) as renewed_at
    from contracts
    where renewed_billing_contract_id is not null
    group by renewed_billing_contract_id

),

unioned as (

    select
        customer_id,
        'contract_notice_near' as moment,
        concat('contracts:', billing_contract_id) as entry_key,
        notice_near_at as occurred_at,
        {{ later_of('notice_near_at', 'created_at') }} as detected_at
    from timed
    where cancelled_at is null
        or cancelled_at > notice_near_at
    union all
    select
        timed.customer_id,
        'contract_ended' as moment,
        concat('contracts:', timed.billing_contract_id) as entry_key,
        timed.ended_at as occurred_at,
        timed.ended_at as detected_at
    from timed
    left join renewals
        on timed.billing_contract_id = renewals.renewed_billing_contract_id
    where renewals.renewed_at is null
        or renewals.renewed_at > timed.ended_at
    union all
    select
        customer_id,
        'payment_overdue' as moment,
        concat('invoices:', billing_invoice_id) as entry_key,
        overdue_at as occurred_at,
        overdue_at as detected_at
    from invoices
    where (paid_at is null or paid_at > overdue_at)
        and (disputed_at is null or disputed_at > overdue_at)
    union all
    select
        customer_id,
        'payment_disputed' as moment,
        concat('invoices:', billing_invoice_id) as entry_key,
        disputed_at as occurred_at,
        disputed_at as detected_at
    from invoices
    where disputed_at is not null

),

contracted as (

    select
        unioned.*,
        concat('billing/', entry_key) as evidence
    from unioned
    where detected_at is not null

)

select * from contracted
