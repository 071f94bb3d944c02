with

{{ newest_versions(source('store', 'receipts'), ['receipt_id']) }},

renamed as (

    select
        {{ blank_to_null('receipt_id') }} as store_receipt_id,
        {{ blank_to_null('store_id') }} as store_id,
        {{ blank_to_null('loyalty_card_id') }} as loyalty_card_id,
        upper(coalesce({{ blank_to_null('currency_code') }}, 'EUR')) as currency_code,
        net_amount,
        coalesce(is_test, false) as is_test,
        {{ to_utc('sold_at', var('time_zone')) }} as sold_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
