with

{{ newest_versions(source('billing', 'invoices'), ['invoice_id'], 'updated_at') }},

renamed as (

    select
        {{ blank_to_null('invoice_id') }} as billing_invoice_id,
        {{ blank_to_null('contract_id') }} as billing_contract_id,
        upper({{ blank_to_null('currency_code') }}) as currency_code,
        amount,
        due_on as due_date,
        issued_at,
        paid_at,
        disputed_at,
        dispute_closed_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
