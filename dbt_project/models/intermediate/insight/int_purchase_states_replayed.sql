with

int_purchase_gaps_measured as (

    select * from {{ ref('int_purchase_gaps_measured') }}

),

int_purchase_rhythms_calibrated as (

    select * from {{ ref('int_purchase_rhythms_calibrated') }}

),

second_purchase_window as (

    select * from {{ ref('second_purchase_window') }}

),

-- Only gaps that were over before the purchase say what was usual then.
expected as (

    select
        int_purchase_gaps_measured.*,
        second_purchase_window.w95_days,
        int_purchase_rhythms_calibrated.risk_ratio,
        int_purchase_rhythms_calibrated.lapse_ratio,
        int_purchase_gaps_measured.gap_days / (
            (
                int_purchase_gaps_measured.sum_earlier_gap_days
                + int_purchase_rhythms_calibrated.shrinkage
                * int_purchase_rhythms_calibrated.mean_gap_days
            ) / (
                int_purchase_gaps_measured.count_earlier_gaps
                + int_purchase_rhythms_calibrated.shrinkage
            )
        ) as overdue_ratio
    from int_purchase_gaps_measured
    cross join int_purchase_rhythms_calibrated
    cross join second_purchase_window

),

judged as (

    select
        purchase_occasion_id,
        customer_id,
        occasion_number,
        occurred_at,
        case
            when occasion_number = 2 and gap_days > w95_days then 'one_time_lapsed'
            when occasion_number = 2 then 'new_customer'
            when overdue_ratio > lapse_ratio then 'lapsed'
            when overdue_ratio > risk_ratio then 'at_risk'
            else 'active'
        end as stage_before
    from expected

),

decided as (

    select
        *,
        case
            when stage_before in ('one_time_lapsed', 'lapsed') then 'reactivated'
            else 'active'
        end as stage_after
    from judged

),

followed as (

    select
        *,
        coalesce(
            lag(stage_after) over (partition by customer_id order by occasion_number),
            'new_customer'
        ) as previous_stage_after
    from decided

),

replayed as (

    select
        purchase_occasion_id,
        customer_id,
        occasion_number,
        occurred_at,
        stage_before,
        stage_after,
        stage_after = 'active'
        and (stage_before = 'at_risk' or previous_stage_after <> 'active')
            as is_active_entry
    from followed

)

select * from replayed
