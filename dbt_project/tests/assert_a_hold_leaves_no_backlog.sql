-- Nothing promotional is open while a hold stands, and of what a hold kept back at most one
-- moment is open after it.
with

moments as (

    select * from {{ ref('moments') }}
    where is_open
        and is_promotional

),

holds as (

    select * from {{ ref('holds') }}

),

kept_back as (

    select
        moments.customer_id,
        moments.moment,
        moments.entry_key,
        max(case when holds.is_active then 1 else 0 end) as count_active_holds
    from moments
    inner join holds
        on moments.customer_id = holds.customer_id
            and (
                holds.is_active
                or (
                    moments.detected_at >= holds.starts_at
                    and moments.detected_at < holds.ends_at
                )
            )
    group by
        moments.customer_id,
        moments.moment,
        moments.entry_key

)

select customer_id
from kept_back
group by customer_id
having count(*) > 1
    or max(count_active_holds) > 0
