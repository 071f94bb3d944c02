with

occasions as (

    select * from {{ ref('int_purchase_occasions') }}

),

gaps as (

    select * from {{ ref('int_purchase_gaps_measured') }}

),

rules as (

    select * from {{ ref('int_lifecycle_rules_gathered') }}

),

followed as (

    select
        purchase_occasion_id,
        customer_id,
        occasion_number,
        occurred_at,
        lead(occurred_at) over (
            partition by customer_id order by occasion_number
        ) as next_occurred_at
    from occasions

),

-- The gap that this purchase ended is known from now on; the first one never counts.
expected as (

    select
        followed.*,
        rules.rule_version,
        rules.risk_ratio,
        rules.lapse_ratio,
        rules.w95_days,
        gaps.gap_days,
        (
            coalesce(gaps.sum_earlier_gap_days, 0)
            + case when gaps.is_later_gap then gaps.gap_days else 0 end
            + rules.shrinkage * rules.mean_gap_days
        ) / (
            coalesce(gaps.count_earlier_gaps, 0)
            + case when gaps.is_later_gap then 1 else 0 end
            + rules.shrinkage
        ) as expected_gap_days
    from followed
    inner join rules
        on followed.occurred_at >= rules.valid_from
            and followed.occurred_at < rules.valid_to
    left join gaps
        on followed.purchase_occasion_id = gaps.purchase_occasion_id

),

limited as (

    select
        purchase_occasion_id,
        customer_id,
        occasion_number,
        occurred_at,
        next_occurred_at,
        rule_version,
        gap_days,
        expected_gap_days,
        case when occasion_number > 1 then expected_gap_days * risk_ratio end
            as risk_days,
        case
            when occasion_number = 1 then w95_days
            else expected_gap_days * lapse_ratio
        end as lapse_days,
        case when occasion_number <= 2 then w95_days else expected_gap_days end
            as reactivation_days
    from expected

)

select * from limited
