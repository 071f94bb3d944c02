with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

lines as (

    select * from {{ ref('int_purchase_lines_joined') }}
    where sku is not null

),

products as (

    select * from {{ ref('products') }}

),

bought as (

    select distinct
        lines.customer_id,
        coalesce(products.substitutes_group, products.sku) as product_group,
        coalesce(products.category, products.substitutes_group, products.sku)
            as rebuy_unit,
        lines.occurred_at
    from lines
    inner join products
        on lines.sku = products.sku

),

numbered as (

    select
        *,
        row_number() over (
            partition by customer_id, product_group order by occurred_at, rebuy_unit
        ) as purchase_number,
        lead(occurred_at) over (
            partition by customer_id, product_group order by occurred_at, rebuy_unit
        ) as bought_again_at
    from bought

),

-- A first purchase whose year is over says whether its kind is bought again at all.
followed as (

    select
        numbered.customer_id,
        numbered.product_group,
        numbered.rebuy_unit,
        numbered.occurred_at,
        numbered.bought_again_at is null as is_last,
        {{ elapsed_days('numbered.occurred_at', 'numbered.bought_again_at') }}
            as gap_days,
        numbered.purchase_number = 1
        and numbered.occurred_at <= {{ dbt.dateadd('day', -365, 'clock.as_of') }}
            as is_watched
    from numbered
    cross join clock

)

select * from followed
