-- Shares lie between 0 and 1 and do not fall from day to day, who is at risk was watched, and
-- once a day is too thin no later one is given.
with

compared as (

    select
        segment_type,
        segment,
        day,
        count_followed,
        count_at_risk,
        count_purchased,
        is_mature,
        share_purchased,
        lag(is_mature) over (
            partition by segment_type, segment order by day
        ) as was_mature,
        lag(share_purchased) over (
            partition by segment_type, segment order by day
        ) as previous_share
    from {{ ref('second_purchase_curve') }}

)

select * from compared
where share_purchased < 0
    or share_purchased > 1
    or share_purchased < previous_share
    or count_at_risk > count_followed
    or count_purchased > count_at_risk
    or is_mature <> (share_purchased is not null)
    or (is_mature and not was_mature)
