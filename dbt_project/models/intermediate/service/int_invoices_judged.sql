with

contracts as (

    select * from {{ ref('int_contracts_resolved') }}

),

invoices as (

    select * from {{ ref('stg_billing__invoices') }}

),

owned as (

    select
        invoices.billing_invoice_id,
        invoices.billing_contract_id,
        contracts.customer_id,
        invoices.amount,
        invoices.issued_at,
        {{ start_of_day('invoices.due_date', 1) }} as overdue_at,
        case when invoices.paid_at <= contracts.as_of then invoices.paid_at end
            as paid_at,
        case when invoices.disputed_at <= contracts.as_of then invoices.disputed_at end
            as disputed_at,
        case
            when invoices.dispute_closed_at <= contracts.as_of
                then invoices.dispute_closed_at
        end as dispute_closed_at,
        contracts.as_of
    from invoices
    inner join contracts
        on invoices.billing_contract_id = contracts.billing_contract_id
    where not {{ is_future('invoices.issued_at', 'contracts.as_of') }}

),

judged as (

    select
        owned.*,
        case
            when paid_at is not null then 'paid'
            when disputed_at is not null and dispute_closed_at is null then 'disputed'
            when overdue_at <= as_of then 'overdue'
            else 'open'
        end as status
    from owned

)

select * from judged
