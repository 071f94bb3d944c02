{#- Compared with the same weekday of so many weeks, of which so many must be known. -#}
{%- set count_weeks = 8 -%}
{%- set count_required = 6 -%}
{#- What a segment moves by chance, as if in a week an eighth of its members left and as many came. -#}
{%- set chance = '0.5 * sqrt(case when usual_count > 1 then usual_count else 1 end)' -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

segments as (

    select * from {{ ref('segments') }}

),

segment_sizes as (

    select * from {{ ref('segment_sizes') }}

),

sizes as (

    select segment_sizes.*
    from segment_sizes
    inner join segments
        on segment_sizes.segment = segments.segment
            and segment_sizes.definition = segments.definition
    inner join clock
        on segment_sizes.measured_at <= clock.as_of

),

weeks as (

    {{ dbt.generate_series(count_weeks) }}

),

referenced as (

    select
        sizes.segment,
        sizes.size_date,
        former_sizes.count_members as former_count
    from sizes
    cross join weeks
    inner join sizes as former_sizes
        on sizes.segment = former_sizes.segment
            and former_sizes.size_date = {{ dbt.dateadd(
                'day',
                '-7 * cast(weeks.generated_number as ' ~ dbt.type_int() ~ ')',
                'sizes.size_date'
            ) }}

),

centred as (

    select
        segment,
        size_date,
        count(*) as count_weeks,
        {{ percentile('former_count', 0.5) }} as usual_count
    from referenced
    group by segment, size_date

),

spread as (

    select
        centred.segment,
        centred.size_date,
        centred.count_weeks,
        centred.usual_count,
        1.4826 * {{ percentile(
            'abs(referenced.former_count - centred.usual_count)', 0.5
        ) }} as usual_spread
    from centred
    inner join referenced
        on centred.segment = referenced.segment
            and centred.size_date = referenced.size_date
    where centred.count_weeks >= {{ count_required }}
    group by
        centred.segment,
        centred.size_date,
        centred.count_weeks,
        centred.usual_count

),

compared as (

    select
        sizes.segment,
        sizes.size_date,
        sizes.measured_at,
        sizes.count_members,
        sizes.is_recorded,
        spread.usual_count,
        (sizes.count_members - spread.usual_count) / case
            when spread.usual_spread > {{ chance }} then spread.usual_spread
            else {{ chance }}
        end as robust_z
    from sizes
    left join spread
        on sizes.segment = spread.segment
            and sizes.size_date = spread.size_date

)

select * from compared
