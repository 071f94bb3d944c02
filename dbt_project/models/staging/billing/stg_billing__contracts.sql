with

{{ newest_versions(source('billing', 'contracts'), ['contract_id'], 'updated_at') }},

renamed as (

    select
        {{ blank_to_null('contract_id') }} as billing_contract_id,
        {{ blank_to_null('customer_id') }} as shop_customer_id,
        {{ blank_to_null('renews_contract_id') }} as renewed_billing_contract_id,
        {{ blank_to_null('tariff') }} as tariff,
        upper({{ blank_to_null('currency_code') }}) as currency_code,
        monthly_amount,
        started_on as started_date,
        ends_on as ends_date,
        notice_by as notice_date,
        created_at,
        cancelled_at,
        updated_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
