-- Today's size is the number of members, and stays of one customer in one segment do not overlap.
select segments.segment
from {{ ref('segments') }} as segments
left join {{ ref('segment_deviations') }} as deviations
    on segments.segment = deviations.segment
        and deviations.is_current
where deviations.count_members is null
    or deviations.count_members <> segments.count_members
union all
select members.segment
from {{ ref('segment_members') }} as members
inner join {{ ref('segment_members') }} as others
    on members.segment = others.segment
        and members.customer_id = others.customer_id
        and members.entered_at < others.entered_at
        and (members.left_at is null or members.left_at > others.entered_at)
