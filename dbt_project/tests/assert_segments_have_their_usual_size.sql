-- The alarm: a segment's size is not what it usually is, or outside the norm that somebody set.
-- A warning, because nothing is wrong with the data; syncs that read the segment pause themselves.
{{ config(severity='warn') }}
select
    segment,
    verdict,
    count_members,
    usual_count,
    deviating_since
from {{ ref('segment_deviations') }}
where is_current
    and is_deviating
