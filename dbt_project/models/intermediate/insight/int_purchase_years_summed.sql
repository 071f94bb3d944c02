with

purchases as (

    select * from {{ ref('int_purchase_margins_told') }}

),

feed as (

    select * from {{ ref('int_purchase_feeds_checked') }}

),

ended as (

    select
        purchases.*,
        {{ dbt.dateadd('day', 365, 'purchases.occurred_at') }} as ends_at
    from purchases

),

-- A purchase counts from its moment on, for 365 days; what came back does until it came.
changes as (

    select
        customer_id,
        timeline_number,
        occurred_at,
        1 as count_orders,
        bought_margin_amount as margin_amount
    from ended
    union all
    select
        customer_id,
        timeline_number,
        corrected_at as occurred_at,
        0 as count_orders,
        margin_amount - bought_margin_amount as margin_amount
    from ended
    where corrected_at < ends_at
    union all
    select
        ended.customer_id,
        ended.timeline_number,
        ended.ends_at as occurred_at,
        -1 as count_orders,
        case
            when ended.corrected_at < ended.ends_at then -ended.margin_amount
            else -ended.bought_margin_amount
        end as margin_amount
    from ended
    cross join feed
    where ended.ends_at <= feed.known_until

),

moments as (

    select
        customer_id,
        timeline_number,
        occurred_at,
        sum(count_orders) as count_orders,
        sum(margin_amount) as margin_amount
    from changes
    group by customer_id, timeline_number, occurred_at

),

summed as (

    select
        customer_id,
        timeline_number,
        occurred_at,
        sum(count_orders) over (
            partition by customer_id, timeline_number order by occurred_at
            rows between unbounded preceding and current row
        ) as count_orders,
        sum(margin_amount) over (
            partition by customer_id, timeline_number order by occurred_at
            rows between unbounded preceding and current row
        ) as margin_amount
    from moments

)

select * from summed
