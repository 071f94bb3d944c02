-- No moment is detected before it happened, or later than the clock; each kind has a meaning.
select
    moments.customer_id,
    moments.moment
from {{ ref('moments') }} as moments
cross join {{ ref('stg_landing__clock') }} as clock
where moments.detected_at < moments.occurred_at
    or moments.detected_at > clock.as_of
    or moments.valid_until < moments.detected_at
