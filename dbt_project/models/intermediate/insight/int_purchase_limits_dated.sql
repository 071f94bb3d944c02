with

expected as (

    select * from {{ ref('int_next_purchases_expected') }}

),

months as (

    select * from {{ ref('int_season_months_dated') }}
    where is_ahead

),

-- Seasonal days until each limit, from the beginning of seasonal time.
limited as (

    select
        expected.*,
        season_days + expected_gap_days * risk_ratio as risk_at_days,
        season_days + expected_gap_days * lapse_ratio as lapse_at_days,
        season_days + expected_gap_days as expected_at_days
    from expected

),

-- Seasonal days turned back into those of the calendar.
dated as (

    select
        limited.*,
        {{ calendar_days('limited.occurred_at', 'limited.risk_at_days', 'at_risk') }}
            as risk_days,
        {{ calendar_days('limited.occurred_at', 'limited.lapse_at_days', 'lapsed') }}
            as lapse_days,
        {{ calendar_days('limited.occurred_at', 'limited.expected_at_days', 'due') }}
            as expected_days
    from limited
    inner join months as at_risk
        on limited.rule_version = at_risk.rule_version
            and limited.risk_at_days >= at_risk.season_days
            and limited.risk_at_days < at_risk.next_season_days
    inner join months as lapsed
        on limited.rule_version = lapsed.rule_version
            and limited.lapse_at_days >= lapsed.season_days
            and limited.lapse_at_days < lapsed.next_season_days
    inner join months as due
        on limited.rule_version = due.rule_version
            and limited.expected_at_days >= due.season_days
            and limited.expected_at_days < due.next_season_days

),

final as (

    select
        purchase_occasion_id,
        customer_id,
        timeline_number,
        occasion_number,
        occurred_at,
        next_occurred_at,
        rule_version,
        rhythm_reason,
        rhythm_category,
        gap_days,
        count_later_gaps,
        season_days,
        expected_gap_days,
        risk_ratio,
        lapse_ratio,
        case when occasion_number > 1 then risk_days end as risk_days,
        case when occasion_number = 1 then w95_days else lapse_days end as lapse_days,
        case when occasion_number <= 2 then w95_days else expected_days end
            as reactivation_days
    from dated

)

select * from final
