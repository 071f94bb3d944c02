with

occasions as (

    select * from {{ ref('int_purchase_occasions_told') }}

),

gaps as (

    select * from {{ ref('int_purchase_gaps_measured') }}

),

rules as (

    select * from {{ ref('int_lifecycle_rules_gathered') }}

),

category_rhythms as (

    select * from {{ ref('int_category_rhythms_learned') }}

),

months as (

    select * from {{ ref('int_season_months_dated') }}

),

followed as (

    select
        purchase_occasion_id,
        customer_id,
        timeline_number,
        occasion_number,
        occurred_at,
        max(case when occasion_number = 1 then first_category end) over (
            partition by customer_id, timeline_number
        ) as customer_category,
        lead(occurred_at) over (
            partition by customer_id, timeline_number order by occasion_number
        ) as next_occurred_at
    from occasions

),

-- The gap that this purchase ended is known from now on; the first one never counts.
known as (

    select
        followed.*,
        rules.rule_version,
        rules.risk_ratio,
        rules.lapse_ratio,
        rules.w95_days,
        gaps.gap_days,
        rules.shrinkage,
        rules.rhythm_reason,
        coalesce(category_rhythms.mean_gap_days, rules.mean_gap_days)
            as mean_gap_days,
        category_rhythms.customer_category as rhythm_category,
        {{ season_days_at('months', 'followed.occurred_at') }} as season_days,
        coalesce(gaps.sum_earlier_season_days, 0)
        + case when gaps.is_later_gap then gaps.season_gap_days else 0 end
            as sum_season_days,
        coalesce(gaps.count_earlier_gaps, 0)
        + case when gaps.is_later_gap then 1 else 0 end as count_later_gaps
    from followed
    inner join rules
        on followed.occurred_at >= rules.valid_from
            and followed.occurred_at < rules.valid_to
    inner join months
        on rules.rule_version = months.rule_version
            and {{ dbt.date_trunc('month', 'followed.occurred_at') }}
            = months.month_start
    left join gaps
        on followed.purchase_occasion_id = gaps.purchase_occasion_id
            and followed.timeline_number = gaps.timeline_number
    left join category_rhythms
        on rules.rule_version = category_rhythms.rule_version
            and followed.customer_category = category_rhythms.customer_category

),

-- Shrunken mean: the fewer gaps a customer has, the closer to the usual ones.
expected as (

    select
        known.*,
        (sum_season_days + shrinkage * mean_gap_days)
        / (count_later_gaps + shrinkage) as expected_gap_days
    from known

)

select * from expected
