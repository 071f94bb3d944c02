{%- set shrinkage = 2 -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

int_purchase_margins_computed as (

    select * from {{ ref('int_purchase_margins_computed') }}

),

price_reactions as (

    select * from {{ ref('int_price_reactions_found') }}

),

known as (

    select
        int_purchase_margins_computed.*,
        max(int_purchase_margins_computed.occurred_at) over (
            partition by int_purchase_margins_computed.customer_id
        ) as last_ordered_at,
        int_purchase_margins_computed.occurred_at
        >= {{ dbt.dateadd('day', -365, 'clock.as_of') }} as is_of_last_365_days
    from int_purchase_margins_computed
    cross join clock

),

summed as (

    select
        customer_id,
        count(*) as count_orders,
        {{ count_where('is_discounted') }} as count_discounted_orders,
        {{ count_where('is_of_last_365_days') }} as count_orders_365d,
        sum(case when is_of_last_365_days then margin_amount else 0 end) as margin_365d,
        sum(
            case
                when occurred_at > {{ dbt.dateadd('day', -730, 'last_ordered_at') }}
                    then margin_amount
                else 0
            end
        ) as recent_margin
    from known
    group by customer_id

),

reactions as (

    select
        customer_id,
        count(*) as count_reactions
    from price_reactions
    group by customer_id

),

-- Every purchase shows whether the price decided, every other reaction that it did.
combined as (

    select
        summed.*,
        summed.count_orders + coalesce(reactions.count_reactions, 0) as count_chances,
        summed.count_discounted_orders + coalesce(reactions.count_reactions, 0)
            as count_reactions
    from summed
    left join reactions
        on summed.customer_id = reactions.customer_id

),

population as (

    select sum(count_reactions) * 1.0 / nullif(sum(count_chances), 0) as reaction_share
    from combined

),

-- Few chances say little: each customer is pulled towards the shop's mean.
measured as (

    select
        combined.customer_id,
        combined.count_orders,
        combined.count_discounted_orders,
        combined.count_orders_365d,
        combined.margin_365d,
        combined.recent_margin,
        percent_rank() over (order by combined.recent_margin) as value_percentile,
        combined.count_reactions > 0 as has_reacted_to_prices,
        (combined.count_reactions + {{ shrinkage }} * population.reaction_share)
        / (combined.count_chances + {{ shrinkage }}) as price_sensitivity
    from combined
    cross join population

)

select * from measured
