"""What the report asks the warehouse, in the order in which it tells it."""

from orchestration.report_sections import (
    SEGMENT_WEEKS,
    WEEKS,
    Section,
    draw_first_purchases,
    draw_graduation,
    draw_handover,
    draw_moments,
    draw_moves,
    draw_retention,
    draw_second_purchases,
    draw_segments,
    draw_stages,
    draw_tiers,
)

SECOND_PURCHASES = """
select
    curve.day, curve.is_mature, curve.share_purchased, curve.standard_error,
    curve.share_of_second_purchases, curve.count_followed, shop.w2_days, shop.w95_days,
    shop.median_days, shop.share_within_10_days, shop.is_reliable, shop.reason
from insight.second_purchase_curve as curve
cross join insight.second_purchase_window as shop
where curve.segment_type = 'all'
    and exists (
        select 1 from insight.second_purchase_curve where segment_type = 'all' and is_mature
    )
order by curve.day
"""
FIRST_PURCHASES = """
select
    segment_type, segment, share_purchased_365d, median_days, w2_days, w95_days,
    count_first_purchases, count_second_purchases, reason
from insight.second_purchase_segments
where exists (
    select 1 from insight.second_purchase_segments where share_purchased_365d is not null
)
order by segment_type, share_purchased_365d desc nulls last, segment
"""
RETENTION = """
select
    concat(year(cohort_month), ' Q', quarter(cohort_month)) as quarter,
    year_number,
    cast(sum(count_active_before) as bigint) as active,
    cast(sum(count_retained) as bigint) as retained,
    bool_and(is_mature) as is_mature,
    case when bool_and(is_mature) then sum(count_retained) / sum(count_active_before) end as rate
from insight.retention_cohorts
where exists (select 1 from insight.retention_cohorts where is_mature)
group by all
order by all
"""
GRADUATION = """
select
    cohort_month, count_first_purchases, count_second_in_window, count_graduated,
    count_second_in_window / count_first_purchases as second_rate, graduation_rate
from insight.graduation_cohorts
where is_mature
order by cohort_month
"""
MOVES = """
select from_stage, to_stage, count(*) as customers
from insight.lifecycle_transitions
where occurred_at >= (select max(as_of) from raw.clock) - interval 30 day
    and from_stage is not null
group by all
order by customers desc, from_stage, to_stage
"""
STAGES = """
select stage, count(*) as customers
from insight.lifecycle_stages group by stage order by customers desc, stage
"""
TIERS = """
select value_tier, count(*) as customers
from insight.value_tiers
where value_tier is not null
group by value_tier
order by customers, value_tier
"""
HANDOVER = """
select
    curve.lead_kind, curve.threshold, curve.monthly_leads as leads,
    curve.precision_rate as precision, curve.recall_rate as recall, curve.count_early as early,
    curve.count_missed as missed, curve.monthly_value as value, curve.is_chosen
from insight.handover_curve as curve
where curve.is_active
    and (curve.count_leads >= 20 or curve.is_chosen)
    and exists (
        select 1 from insight.handover_curve as chosen
        where chosen.is_active and chosen.is_chosen and chosen.lead_kind = curve.lead_kind
    )
order by curve.lead_kind, curve.threshold
"""
SEGMENTS = f"""
select
    segment, size_date, count_members, usual_count, robust_z, verdict, is_deviating, is_current
from insight.segment_deviations as sizes
where exists (
    select 1 from insight.segment_deviations as today
    where today.is_current and today.size_date - sizes.size_date < {SEGMENT_WEEKS * 7}
        and (today.size_date - sizes.size_date) % 7 = 0
)
order by segment, size_date
"""
MOMENTS = f"""
select moment, date_trunc('week', detected_at) as week, count(*) as moments
from decisions.moments
where detected_at < (select max(as_of) from raw.clock)
    and detected_at >= (select max(as_of) from raw.clock) - interval {WEEKS * 7} day
group by all
order by all
"""

SECTIONS = (
    Section(
        "second_purchases",
        "How fast do new customers buy again?",
        "The line rises by those who buy a second time; the shaded band is where it would lie in "
        "95 of 100 shops like this one. Where it bends (W2), a first nudge is due.",
        "insight.second_purchase_curve",
        frozenset({"segment_type", "day", "is_mature", "share_purchased", "standard_error"}),
        SECOND_PURCHASES,
        draw_second_purchases,
    ),
    Section(
        "first_purchases",
        "Which first purchase brings people back?",
        "One bar per category and channel of the first purchase: the longer, the more of its "
        "buyers bought again within a year. Small differences are chance.",
        "insight.second_purchase_segments",
        frozenset({"segment_type", "segment", "share_purchased_365d", "w2_days"}),
        FIRST_PURCHASES,
        draw_first_purchases,
    ),
    Section(
        "graduation",
        "How many new customers stay?",
        "Each point is one month's new customers. The lines part where people came back once and "
        "then left; months whose window is not over yet are not drawn.",
        "insight.graduation_cohorts",
        frozenset({"cohort_month", "graduation_rate", "is_mature"}),
        GRADUATION,
        draw_graduation,
    ),
    Section(
        "retention",
        "Who is still buying a year later?",
        "One row per quarter of first purchase: of those who bought in one year after it, the "
        "share that bought in the next. Hatched cells are years that are not over for everybody.",
        "insight.retention_cohorts",
        frozenset({"cohort_month", "year_number", "count_active_before", "count_retained"}),
        RETENTION,
        draw_retention,
    ),
    Section(
        "stages",
        "Where do people stand today?",
        "One bar per lifecycle stage; everybody is in exactly one.",
        "insight.lifecycle_stages",
        frozenset({"stage"}),
        STAGES,
        draw_stages,
    ),
    Section(
        "moves",
        "Who moved where this month?",
        "One bar per move from one stage to another in the last 30 days, the most frequent first.",
        "insight.lifecycle_transitions",
        frozenset({"customer_id", "from_stage", "to_stage", "occurred_at"}),
        MOVES,
        draw_moves,
    ),
    Section(
        "tiers",
        "How much are customers worth?",
        "One bar per value tier, the smallest first: the longer, the more customers are in it.",
        "insight.value_tiers",
        frozenset({"customer_id", "value_tier"}),
        TIERS,
        draw_tiers,
    ),
    Section(
        "handover",
        "When should sales hear of somebody?",
        "One line per kind of lead: to the right more are handed over, and fewer of them buy. The "
        "mark is the score from which handing over is worth most.",
        "insight.handover_curve",
        frozenset({"is_active", "lead_kind", "threshold", "precision_rate", "recall_rate"}),
        HANDOVER,
        draw_handover,
    ),
    Section(
        "segments",
        "How large are the segments?",
        "One row per segment, one column per week, the last one today: the darker, the farther "
        "from what is usual for the segment. Hatched cells cannot be judged yet.",
        "insight.segment_deviations",
        frozenset({"segment", "size_date", "robust_z", "is_deviating", "is_current"}),
        SEGMENTS,
        draw_segments,
    ),
    Section(
        "moments",
        "Which moments came up, week by week?",
        "One row per kind of moment, one column per week (its Monday): the darker, the more often.",
        "decisions.moments",
        frozenset({"moment", "detected_at"}),
        MOMENTS,
        draw_moments,
    ),
)
