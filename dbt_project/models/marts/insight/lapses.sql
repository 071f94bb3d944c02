with

transitions as (

    select * from {{ ref('lifecycle_transitions') }}
    where to_stage = 'lapsed'

),

purchases as (

    select * from {{ ref('int_purchase_states_replayed') }}
    where timeline_number = 0

),

margins as (

    select * from {{ ref('int_purchase_margins_computed') }}

),

thresholds as (

    select * from {{ ref('lifecycle_thresholds') }}

),

lapsed as (

    select
        transitions.customer_id,
        purchases.occurred_at as last_ordered_at,
        transitions.occurred_at as lapsed_at,
        transitions.left_at as returned_at
    from transitions
    inner join purchases
        on transitions.customer_id = purchases.customer_id
            and transitions.occurred_at > purchases.occurred_at
            and (
                purchases.next_occurred_at is null
                or transitions.occurred_at < purchases.next_occurred_at
            )

),

-- Counted back from the last purchase: counted from the lapse, the silence that tells a lapse
-- would eat the more of the two years the slower somebody buys.
valued as (

    select
        lapsed.customer_id,
        lapsed.last_ordered_at,
        lapsed.lapsed_at,
        lapsed.returned_at,
        sum(margins.margin_amount) as margin_amount
    from lapsed
    inner join margins
        on lapsed.customer_id = margins.customer_id
            and lapsed.last_ordered_at >= margins.occurred_at
            and {{ dbt.dateadd('day', -730, 'lapsed.last_ordered_at') }}
            < margins.occurred_at
    group by
        lapsed.customer_id,
        lapsed.last_ordered_at,
        lapsed.lapsed_at,
        lapsed.returned_at

),

judged as (

    select
        valued.customer_id,
        row_number() over (
            partition by valued.customer_id order by valued.lapsed_at
        ) as lapse_number,
        valued.last_ordered_at,
        valued.lapsed_at,
        valued.returned_at,
        cast(valued.margin_amount as decimal(18, 2)) as margin_24m_before,
        coalesce(valued.margin_amount >= thresholds.good_margin, false) as is_good
    from valued
    cross join thresholds

)

select * from judged
