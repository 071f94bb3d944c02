-- Who bought again has bought again: shares only grow and everybody is counted once.
with

followed as (

    select
        *,
        lag(count_purchased_until) over (order by day) as count_purchased_before,
        max(count_at_risk) over () as count_first_purchases
    from {{ ref('second_purchase_curve') }}

)

select day
from followed
where
    count_purchased_until < coalesce(count_purchased_before, 0)
    or count_at_risk + coalesce(count_purchased_before, 0) <> count_first_purchases
    or share_purchased not between 0 and 1
