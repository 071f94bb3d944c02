with

{{ newest_versions(source('shop', 'products'), ['sku']) }},

renamed as (

    select
        {{ blank_to_null('sku') }} as sku,
        {{ blank_to_null('name') }} as name,
        {{ blank_to_null('category') }} as category,
        {{ blank_to_null('family') }} as family,
        {{ blank_to_null('substitutes_group') }} as substitutes_group,
        list_price,
        unit_cost,
        upper({{ blank_to_null('currency_code') }}) as currency_code,
        coalesce(is_durable, false) as is_durable,
        rebuy_days,
        launched_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
