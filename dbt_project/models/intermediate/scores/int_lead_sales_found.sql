with

windows as (

    select * from {{ ref('int_lead_windows_closed') }}

),

purchases as (

    select
        customer_id,
        margin_amount,
        {{ to_local_date('occurred_at') }} as bought_on
    from {{ ref('int_purchase_margins_computed') }}

),

next_purchases as (

    select
        windows.lead_kind,
        windows.snapshot_on,
        purchases.customer_id,
        min(purchases.bought_on) as bought_on
    from purchases
    inner join windows
        on purchases.bought_on >= windows.snapshot_on
            and purchases.bought_on < windows.closes_on
    group by windows.lead_kind, windows.snapshot_on, purchases.customer_id

),

margins as (

    select
        customer_id,
        bought_on,
        sum(margin_amount) as margin_amount
    from purchases
    group by customer_id, bought_on

),

found as (

    select
        next_purchases.lead_kind,
        next_purchases.snapshot_on,
        next_purchases.customer_id,
        next_purchases.bought_on,
        margins.margin_amount
    from next_purchases
    inner join margins
        on next_purchases.customer_id = margins.customer_id
            and next_purchases.bought_on = margins.bought_on

)

select * from found
