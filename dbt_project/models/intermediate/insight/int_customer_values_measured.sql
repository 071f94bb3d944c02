{%- set shrinkage = 2 -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

int_purchase_margins_computed as (

    select * from {{ ref('int_purchase_margins_computed') }}

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

population as (

    select
        sum(count_discounted_orders) * 1.0 / nullif(sum(count_orders), 0)
            as discounted_share
    from summed

),

-- Few purchases say little: each customer is pulled towards the shop's mean.
measured as (

    select
        summed.customer_id,
        summed.count_orders,
        summed.count_discounted_orders,
        summed.count_orders_365d,
        summed.margin_365d,
        summed.recent_margin,
        percent_rank() over (order by summed.recent_margin) as value_percentile,
        (summed.count_discounted_orders + {{ shrinkage }} * population.discounted_share)
        / (summed.count_orders + {{ shrinkage }}) as price_sensitivity
    from summed
    cross join population

)

select * from measured
