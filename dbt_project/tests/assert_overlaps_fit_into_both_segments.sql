-- What two segments share is no more than the smaller one.
select
    segment,
    other_segment
from {{ ref('segment_overlaps') }}
where count_shared > count_members
    or count_shared > count_other_members
    or jaccard_index > share_of_smaller
