-- For who is away now, the margin before the lapse is the margin of their last 24 months; everybody
-- who is away has one open lapse, and whether they were good is one decision.
select stages.customer_id
from {{ ref('lifecycle_stages') }} as stages
left join {{ ref('lapses') }} as lapses
    on stages.customer_id = lapses.customer_id
        and lapses.returned_at is null
left join {{ ref('value_tiers') }} as value_tiers
    on stages.customer_id = value_tiers.customer_id
where (stages.stage = 'lapsed') <> (lapses.customer_id is not null)
    or lapses.margin_24m_before <> value_tiers.margin_24m
    or stages.is_former_good <> coalesce(lapses.is_good, false)
