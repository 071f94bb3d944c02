with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

contracts as (

    select * from {{ ref('stg_billing__contracts') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

-- What was booked to happen later is not known to happen.
final as (

    select
        contracts.billing_contract_id,
        contracts.renewed_billing_contract_id,
        resolved.customer_id,
        contracts.tariff,
        contracts.currency_code,
        contracts.monthly_amount,
        contracts.started_date,
        contracts.ends_date,
        contracts.notice_date,
        {{ known_time('contracts.created_at', 'clock.as_of') }} as created_at,
        case
            when contracts.cancelled_at <= clock.as_of then contracts.cancelled_at
        end as cancelled_at,
        clock.as_of
    from contracts
    cross join clock
    left join resolved
        on resolved.source = 'billing'
            and resolved.source_record_key
            = concat('contracts:', contracts.billing_contract_id)
    where not {{ is_future('contracts.created_at', 'clock.as_of') }}

)

select * from final
