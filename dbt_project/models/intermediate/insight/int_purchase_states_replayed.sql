with

limits as (

    select * from {{ ref('int_purchase_limits_dated') }}

),

preceded as (

    select
        limits.*,
        lag(lapse_days) over (
            partition by customer_id, timeline_number order by occasion_number
        ) as former_lapse_days,
        lag(reactivation_days) over (
            partition by customer_id, timeline_number order by occasion_number
        ) as former_reactivation_days
    from limits

),

-- Whoever was won back lapses sooner than others. So a long gap reactivates and a short one makes
-- active, whatever was before; one in between leaves the customer as they were.
judged as (

    select
        preceded.*,
        case
            when occasion_number = 1 then 0
            when gap_days > former_lapse_days then 1
            when occasion_number = 2 or gap_days <= former_reactivation_days then 0
        end as is_won_back
    from preceded

),

numbered as (

    select
        judged.*,
        max(case when is_won_back is not null then occasion_number end) over (
            partition by customer_id, timeline_number order by occasion_number
            rows between unbounded preceding and current row
        ) as decisive_number
    from judged

),

decided as (

    select
        numbered.*,
        max(is_won_back) over (
            partition by customer_id, timeline_number, decisive_number
        ) = 1 as is_reactivated
    from numbered

),

replayed as (

    select
        purchase_occasion_id,
        customer_id,
        timeline_number,
        occasion_number,
        occurred_at,
        next_occurred_at,
        rule_version,
        expected_gap_days,
        case
            when occasion_number = 1 then 'new_customer'
            when is_reactivated then 'reactivated'
            else 'active'
        end as stage_after,
        case when not is_reactivated then risk_days end as risk_days,
        case
            when is_reactivated and reactivation_days < lapse_days
                then reactivation_days
            else lapse_days
        end as lapse_days
    from decided

)

select * from replayed
