{%- set segment_types = ['first_category', 'first_channel'] -%}
with

observed as (

    select * from {{ ref('int_second_purchases_observed') }}

),

segmented as (

    select
        'all' as segment_type,
        'all' as segment,
        followed_days,
        gap_day
    from observed
    {%- for segment_type in segment_types %}
    union all
    select
        '{{ segment_type }}' as segment_type,
        {{ segment_type }} as segment,
        followed_days,
        gap_day
    from observed
    where {{ segment_type }} is not null
    {%- endfor %}

),

-- Everybody leaves twice: those who may still buy, and those who are watched.
departed as (

    select
        segment_type,
        segment,
        coalesce(gap_day, followed_days) as day,
        1 as count_left,
        case when gap_day is not null then 1 else 0 end as count_purchased,
        0 as count_ended
    from segmented
    union all
    select
        segment_type,
        segment,
        followed_days as day,
        0 as count_left,
        0 as count_purchased,
        1 as count_ended
    from segmented

),

summed as (

    select
        segment_type,
        segment,
        day,
        sum(count_left) as count_left,
        sum(count_purchased) as count_purchased,
        sum(count_ended) as count_ended
    from departed
    group by segment_type, segment, day

),

series as (

    {{ dbt.generate_series(365) }}

),

-- A shop without a buyer has a curve, too: an empty one.
segments as (

    select
        segment_type,
        segment
    from summed
    union
    select
        'all' as segment_type,
        'all' as segment

),

days as (

    select
        segments.*,
        cast(series.generated_number as {{ dbt.type_int() }}) as day
    from segments
    cross join series

),

counted as (

    select
        days.*,
        coalesce(summed.count_purchased, 0) as count_purchased,
        coalesce(sum(summed.count_left) over (
            partition by days.segment_type, days.segment
            order by days.day desc rows between unbounded preceding and current row
        ), 0) as count_at_risk,
        coalesce(sum(summed.count_ended) over (
            partition by days.segment_type, days.segment
            order by days.day desc rows between unbounded preceding and current row
        ), 0) as count_followed
    from days
    left join summed
        on days.segment_type = summed.segment_type
            and days.segment = summed.segment
            and days.day = summed.day

)

select * from counted
