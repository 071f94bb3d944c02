with

{{ newest_versions(source('stock', 'levels'), ['sku', 'changed_at'], 'received_at') }},

renamed as (

    select
        {{ blank_to_null('sku') }} as sku,
        quantity,
        changed_at,
        coalesce(received_at, changed_at) as received_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
