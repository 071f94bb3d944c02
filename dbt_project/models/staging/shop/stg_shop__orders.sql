with

countries as (

    select * from {{ ref('countries') }}

),

{{ newest_versions(source('shop', 'orders'), ['order_id'], 'updated_at') }},

{{ dialled_phones('newest', 'phone', 'newest.country_code') }},

renamed as (

    select
        {{ blank_to_null('order_id') }} as shop_order_id,
        {{ blank_to_null('customer_id') }} as shop_customer_id,
        {{ normalise_email('email') }} as email,
        {{ e164('phone_number') }} as phone,
        {{ blank_to_null('first_name') }} as first_name,
        {{ blank_to_null('last_name') }} as last_name,
        {{ blank_to_null('street') }} as street,
        {{ blank_to_null('house_number') }} as house_number,
        {{ blank_to_null('postal_code') }} as postal_code,
        {{ blank_to_null('city') }} as city,
        upper({{ blank_to_null('country_code') }}) as country_code,
        {{ blank_to_null('device_id') }} as device_id,
        lower(coalesce({{ blank_to_null('status') }}, 'paid')) as status,
        lower(coalesce({{ blank_to_null('sales_channel') }}, 'web')) as sales_channel,
        upper({{ blank_to_null('coupon_code') }}) as coupon_code,
        upper(coalesce({{ blank_to_null('currency_code') }}, 'EUR')) as currency_code,
        net_amount,
        coalesce(is_test, false) as is_test,
        {{ is_malformed('email', normalise_email('email')) }}
            as has_malformed_email,
        {{ is_malformed('phone', e164('phone_number')) }}
            as has_malformed_phone,
        ordered_at,
        updated_at,
        _arrived_on as arrived_on,
        count_rivals
    from numbered

)

select * from renamed
