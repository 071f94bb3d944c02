with

occasions as (

    select * from {{ ref('int_purchase_occasions_told') }}

),

preceded as (

    select
        purchase_occasion_id,
        customer_id,
        timeline_number,
        valid_from,
        valid_to,
        occasion_number,
        occurred_at,
        max(case when occasion_number = 1 then first_category end) over (
            partition by customer_id, timeline_number
        ) as customer_category,
        lag(occurred_at) over (
            partition by customer_id, timeline_number order by occasion_number
        ) as previous_occurred_at
    from occasions

),

-- The gap from first to second purchase follows another law than the later ones.
measured as (

    select
        *,
        {{ elapsed_days('previous_occurred_at', 'occurred_at') }} as gap_days,
        occasion_number >= 3 as is_later_gap
    from preceded
    where occasion_number >= 2

),

accumulated as (

    select
        *,
        coalesce(sum(case when is_later_gap then gap_days end) over (
            partition by customer_id, timeline_number order by occasion_number
            rows between unbounded preceding and 1 preceding
        ), 0) as sum_earlier_gap_days,
        coalesce(sum(case when is_later_gap then 1 end) over (
            partition by customer_id, timeline_number order by occasion_number
            rows between unbounded preceding and 1 preceding
        ), 0) as count_earlier_gaps
    from measured

)

select * from accumulated
