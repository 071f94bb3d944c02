with

lifecycle_stages as (

    select * from {{ ref('lifecycle_stages') }}
    where phase = 'promising_price_sensitive'

),

-- Value and price sensitivity are known of today only, so nobody knows since when.
entered as (

    select
        customer_id,
        cast(null as {{ dbt.type_timestamp() }}) as entered_at,
        cast(null as {{ dbt.type_timestamp() }}) as left_at
    from lifecycle_stages

)

select * from entered
