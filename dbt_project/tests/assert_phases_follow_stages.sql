-- The six phases divide people as the stages do: strangers, living buyers, lost buyers.
select
    customer_id,
    stage,
    phase
from {{ ref('lifecycle_stages') }}
where
    (phase = 'activate') <> (stage in ('visitor', 'lead'))
    or (phase = 'loyal') <> (stage = 'loyal')
    or (phase in ('former_good', 'dormant')) <> (stage in ('lapsed', 'one_time_lapsed'))
    or (phase = 'former_good') <> is_former_good
