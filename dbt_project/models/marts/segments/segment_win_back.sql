{%- set in_order = 'partition by lapses.customer_id, lapses.lapsed_at '
    ~ 'order by cooled.starts_at, cooled.ends_at' -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

lapses as (

    select * from {{ ref('lapses') }}
    where is_good

),

cool_downs as (

    select * from {{ ref('cool_downs') }}

),

-- A lapse opens the time in which somebody may be won back, as if a cool-down ended with it.
cooled as (

    select
        customer_id,
        starts_at,
        coalesce(ends_at, cast('9999-12-31' as {{ dbt.type_timestamp() }})) as ends_at
    from cool_downs
    union all
    select
        customer_id,
        lapsed_at as starts_at,
        lapsed_at as ends_at
    from lapses

),

-- What is left between the last end so far and the next start.
spared as (

    select
        lapses.customer_id,
        max(cooled.ends_at) over (
            {{ in_order }} rows between unbounded preceding and current row
        ) as entered_at,
        coalesce(
            lead(cooled.starts_at) over ({{ in_order }}), lapses.returned_at
        ) as left_at
    from lapses
    inner join cooled
        on lapses.customer_id = cooled.customer_id
            and lapses.lapsed_at <= cooled.ends_at
            and (lapses.returned_at is null or lapses.returned_at > cooled.starts_at)

),

entered as (

    select spared.*
    from spared
    cross join clock
    where spared.entered_at <= clock.as_of
        and (spared.left_at is null or spared.entered_at < spared.left_at)

)

select * from entered
