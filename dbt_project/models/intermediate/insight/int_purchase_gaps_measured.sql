with

occasions as (

    select * from {{ ref('int_purchase_occasions_told') }}

),

months as (

    select * from {{ ref('int_season_months_dated') }}

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

-- The gap from first to second purchase follows another law than the later ones. Seasons are those
-- known when the gap ended.
measured as (

    select
        preceded.*,
        {{ elapsed_days('preceded.previous_occurred_at', 'preceded.occurred_at') }}
            as gap_days,
        {{ season_days_at('months', 'preceded.occurred_at') }}
        - ({{ season_days_at('former_months', 'preceded.previous_occurred_at') }})
            as season_gap_days,
        preceded.occasion_number >= 3 as is_later_gap
    from preceded
    inner join months
        on {{ dbt.date_trunc('quarter', 'preceded.occurred_at') }} = months.valid_from
            and {{ dbt.date_trunc('month', 'preceded.occurred_at') }}
            = months.month_start
    inner join months as former_months
        on {{ dbt.date_trunc('quarter', 'preceded.occurred_at') }}
            = former_months.valid_from
            and {{ dbt.date_trunc('month', 'preceded.previous_occurred_at') }}
            = former_months.month_start
    where preceded.occasion_number >= 2

),

accumulated as (

    select
        *,
        coalesce(sum(case when is_later_gap then season_gap_days end) over (
            partition by customer_id, timeline_number order by occasion_number
            rows between unbounded preceding and 1 preceding
        ), 0) as sum_earlier_season_days,
        coalesce(sum(case when is_later_gap then 1 end) over (
            partition by customer_id, timeline_number order by occasion_number
            rows between unbounded preceding and 1 preceding
        ), 0) as count_earlier_gaps
    from measured

)

select * from accumulated
