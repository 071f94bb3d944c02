{#- Gaps that a quantile is taken of, and first buyers of a category: fewer tell nothing. -#}
{%- set gaps_required = 20 -%}
{%- set buyers_required = 100 -%}
{#- If a smaller share buys again within a year, the product is bought once for years. -#}
{%- set durable_share = 0.05 -%}
{#- Where nothing at all is known. -#}
{%- set usual_days = 30 -%}

with

followed as (

    select * from {{ ref('int_rebuys_followed') }}

),

products as (

    select
        sku,
        rebuy_days,
        is_durable,
        coalesce(substitutes_group, sku) as product_group,
        coalesce(category, substitutes_group, sku) as rebuy_unit
    from {{ ref('products') }}

),

shop as (

    select
        count(gap_days) as count_gaps,
        {{ percentile('gap_days', 0.2) }} as gap_days
    from followed

),

units as (

    select
        rebuy_unit,
        count(gap_days) as count_gaps,
        {{ count_where('is_watched') }} as count_watched,
        {{ count_where('is_watched and gap_days <= 365') }} as count_bought_again,
        {{ percentile('gap_days', 0.2) }} as gap_days
    from followed
    group by rebuy_unit

),

judged as (

    select
        products.sku,
        products.product_group,
        products.rebuy_days,
        products.is_durable or (
            products.rebuy_days is null
            and coalesce(units.count_watched, 0) >= {{ buyers_required }}
            and units.count_bought_again < {{ durable_share }} * units.count_watched
        ) as is_durable,
        case when units.count_gaps >= {{ gaps_required }} then units.gap_days end
            as learned_days,
        case when shop.count_gaps >= {{ gaps_required }} then shop.gap_days end
            as shop_days
    from products
    left join units
        on products.rebuy_unit = units.rebuy_unit
    cross join shop

),

learned as (

    select
        sku,
        product_group,
        is_durable,
        case
            when not is_durable
                then coalesce(learned_days, rebuy_days, shop_days, {{ usual_days }})
        end as quarantine_days,
        case
            when is_durable then 'durable'
            when learned_days is not null then 'learned'
            when rebuy_days is not null then 'catalogue'
            when shop_days is not null then 'shop'
            else 'usual'
        end as basis
    from judged

)

select * from learned
