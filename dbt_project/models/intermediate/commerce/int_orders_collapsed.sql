with

purchases as (

    select * from {{ ref('int_purchases_told') }}

),

ordered as (

    select
        purchases.*,
        lag(ordered_at) over (
            partition by customer_id, timeline_number order by ordered_at, order_id
        ) as previous_ordered_at
    from purchases

),

-- Orders within half an hour of the one before are one visit to the shop, split.
started as (

    select
        ordered.*,
        case
            when previous_ordered_at is null
                or {{ dbt.datediff('previous_ordered_at', 'ordered_at', 'second') }}
                > 1800
                then 1
            else 0
        end as is_start
    from ordered

),

numbered as (

    select
        order_id,
        customer_id,
        timeline_number,
        valid_from,
        valid_to,
        is_start,
        sum(is_start) over (
            partition by customer_id, timeline_number order by ordered_at, order_id
            rows between unbounded preceding and current row
        ) as occasion_number
    from started

),

collapsed as (

    select
        numbered.order_id,
        numbered.customer_id,
        numbered.timeline_number,
        numbered.valid_from,
        numbered.valid_to,
        cast(numbered.occasion_number as {{ dbt.type_bigint() }}) as occasion_number,
        starts.order_id as purchase_occasion_id
    from numbered
    inner join numbered as starts
        on numbered.customer_id = starts.customer_id
            and numbered.timeline_number = starts.timeline_number
            and numbered.occasion_number = starts.occasion_number
            and 1 = starts.is_start

)

select * from collapsed
