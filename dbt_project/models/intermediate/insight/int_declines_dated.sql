with

declines as (

    select * from {{ ref('activity_declines') }}
    where activity_kind = 'all'

),

timelines as (

    select * from {{ ref('int_purchase_timelines_dated') }}

),

-- A decline is the same whatever became of the purchases.
placed as (

    select
        declines.customer_id,
        coalesce(timelines.timeline_number, 0) as timeline_number,
        declines.flagged_at,
        declines.recovered_at
    from declines
    left join timelines
        on declines.customer_id = timelines.customer_id

),

dated as (

    select
        customer_id,
        timeline_number,
        flagged_at as occurred_at,
        true as is_declining
    from placed
    union all
    select
        customer_id,
        timeline_number,
        recovered_at as occurred_at,
        false as is_declining
    from placed
    where recovered_at is not null

)

select * from dated
