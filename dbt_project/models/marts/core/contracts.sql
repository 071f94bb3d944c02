with

contracts as (

    select * from {{ ref('int_contracts_resolved') }}

),

invoices as (

    select * from {{ ref('int_invoices_judged') }}

),

renewals as (

    select distinct renewed_billing_contract_id
    from contracts
    where renewed_billing_contract_id is not null

),

billed as (

    select
        billing_contract_id,
        count(*) as count_invoices,
        {{ count_where("status = 'paid'") }} as count_invoices_paid,
        {{ count_where("status = 'open'") }} as count_invoices_open,
        {{ count_where("status = 'overdue'") }} as count_invoices_overdue,
        {{ count_where("status = 'disputed'") }} as count_invoices_disputed
    from invoices
    group by billing_contract_id

),

final as (

    select
        concat('billing:', contracts.billing_contract_id) as contract_id,
        contracts.customer_id,
        contracts.tariff,
        contracts.currency_code,
        contracts.monthly_amount,
        case
            when {{ start_of_day('contracts.started_date') }} > contracts.as_of
                then 'upcoming'
            when {{ start_of_day('contracts.ends_date', 1) }} <= contracts.as_of
                then 'ended'
            when contracts.cancelled_at is not null then 'cancelled'
            else 'active'
        end as status,
        renewals.renewed_billing_contract_id is not null as is_renewed,
        contracts.started_date,
        contracts.ends_date,
        contracts.notice_date,
        contracts.created_at,
        contracts.cancelled_at,
        cast(coalesce(billed.count_invoices, 0) as {{ dbt.type_bigint() }})
            as count_invoices,
        coalesce(billed.count_invoices_paid, 0) as count_invoices_paid,
        coalesce(billed.count_invoices_open, 0) as count_invoices_open,
        coalesce(billed.count_invoices_overdue, 0) as count_invoices_overdue,
        coalesce(billed.count_invoices_disputed, 0) as count_invoices_disputed
    from contracts
    left join billed
        on contracts.billing_contract_id = billed.billing_contract_id
    left join renewals
        on contracts.billing_contract_id = renewals.renewed_billing_contract_id

)

select * from final
