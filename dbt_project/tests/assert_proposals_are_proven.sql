-- A weight is proposed where the interval has one sign, and only there.
select trait
from {{ ref('score_weight_proposals') }}
where evidence_points < evidence_points_low
    or evidence_points > evidence_points_high
    or count_sales > count_leads
    or is_proven <> (proposed_points is not null)
    or (is_proven and evidence_points_low < 0 and evidence_points_high > 0)
