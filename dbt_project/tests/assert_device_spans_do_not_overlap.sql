-- At any moment a device has one holder at most.
with

followed as (

    select
        device_id,
        valid_from,
        valid_to,
        lead(valid_from) over (
            partition by device_id order by span_number
        ) as next_from
    from {{ ref('int_device_spans_found') }}

)

select device_id
from followed
where valid_to > next_from
    or valid_to < valid_from
