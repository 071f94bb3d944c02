-- Nobody is nudged as new, won back as lost and thanked as loyal at once, and whoever
-- is has bought.
select members.customer_id
from {{ ref('segment_members') }} as members
where members.is_member
group by members.customer_id
having
    sum(
        case
            when segment in ('second_purchase_nudge', 'win_back', 'loyal_early_access')
                then 1
            else 0
        end
    )
    > sum(case when segment = 'existing_customers' then 1 else 0 end)
