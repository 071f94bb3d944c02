-- Two records cannot be declared to be one person and two; a later decision replaces the earlier
-- one in the file.
with

overrides as (

    select
        case when record_a < record_b then record_a else record_b end as first_record,
        case when record_a < record_b then record_b else record_a end as second_record,
        kind
    from {{ ref('identity_overrides') }}

)

select
    first_record,
    second_record
from overrides
group by
    first_record,
    second_record
having count(distinct kind) > 1
