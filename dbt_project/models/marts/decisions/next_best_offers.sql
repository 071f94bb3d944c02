{#- Offers per customer: more than a message shows helps nobody. -#}
{%- set count_offers = 5 -%}

with

offers as (

    select * from {{ ref('int_offers_judged') }}
    where refused_because is null

),

products as (

    select * from {{ ref('products') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by priority_amount desc, conversion_probability desc, sku
        ) as offer_rank
    from offers

),

final as (

    select
        ranked.customer_id,
        cast(ranked.offer_rank as {{ dbt.type_bigint() }}) as offer_rank,
        ranked.sku,
        products.name as product_name,
        ranked.offer_list,
        cast(ranked.horizon_days as {{ dbt.type_bigint() }}) as horizon_days,
        cast(ranked.purchase_probability as {{ type_double() }})
            as purchase_probability,
        cast(ranked.product_fit as {{ type_double() }}) as product_fit,
        cast(ranked.conversion_probability as {{ type_double() }})
            as conversion_probability,
        cast(ranked.margin_amount as decimal(18, 2)) as margin_amount,
        ranked.is_cost_known,
        cast(ranked.kept_share as {{ type_double() }}) as kept_share,
        cast(ranked.priority_amount as decimal(18, 4)) as priority_amount,
        cast(ranked.stock_quantity as {{ dbt.type_bigint() }}) as stock_quantity,
        ranked.last_bought_at,
        case
            when ranked.offer_list = 'again' then 'bought before'
            when ranked.because_sku is null then 'popular now'
            else concat('goes with ', coalesce(reasons.name, ranked.because_sku))
        end as reason,
        ranked.model_name,
        ranked.model_version,
        ranked.as_of,
        ranked.scored_at
    from ranked
    left join products
        on ranked.sku = products.sku
    left join products as reasons
        on ranked.because_sku = reasons.sku
    where ranked.offer_rank <= {{ count_offers }}

)

select * from final
