with

purchases as (

    select * from {{ ref('int_purchase_margins_computed') }}

),

feed as (

    select * from {{ ref('int_purchase_feeds_checked') }}

),

rules as (

    select * from {{ ref('int_lifecycle_rules_gathered') }}

),

-- A purchase counts from its moment on, for 365 days.
changes as (

    select
        customer_id,
        occurred_at,
        1 as count_orders,
        margin_amount
    from purchases
    union all
    select
        purchases.customer_id,
        {{ dbt.dateadd('day', 365, 'purchases.occurred_at') }} as occurred_at,
        -1 as count_orders,
        -purchases.margin_amount as margin_amount
    from purchases
    cross join feed
    where {{ dbt.dateadd('day', 365, 'purchases.occurred_at') }} <= feed.known_until

),

moments as (

    select
        customer_id,
        occurred_at,
        sum(count_orders) as count_orders,
        sum(margin_amount) as margin_amount
    from changes
    group by customer_id, occurred_at

),

accumulated as (

    select
        customer_id,
        occurred_at,
        sum(count_orders) over (
            partition by customer_id order by occurred_at
            rows between unbounded preceding and current row
        ) as count_orders,
        sum(margin_amount) over (
            partition by customer_id order by occurred_at
            rows between unbounded preceding and current row
        ) as margin_amount
    from moments

),

-- Between the two limits everybody stays what they are.
judged as (

    select
        accumulated.customer_id,
        accumulated.occurred_at,
        case
            when accumulated.count_orders >= rules.enter_count_orders
                and accumulated.margin_amount >= rules.enter_margin
                then 1
            when accumulated.count_orders >= rules.stay_count_orders
                and accumulated.margin_amount >= rules.stay_margin
                then null
            else 0
        end as is_loyal
    from accumulated
    inner join rules
        on accumulated.occurred_at >= rules.valid_from
            and accumulated.occurred_at < rules.valid_to

),

compared as (

    select
        customer_id,
        occurred_at,
        is_loyal,
        coalesce(
            lag(is_loyal) over (partition by customer_id order by occurred_at), 0
        ) as was_loyal
    from judged
    where is_loyal is not null

),

dated as (

    select
        customer_id,
        occurred_at,
        is_loyal = 1 as is_loyal
    from compared
    where is_loyal <> was_loyal

)

select * from dated
