{%- set count_snapshots = 12 -%}

with

clock as (

    select {{ to_local_date('as_of') }} as today from {{ ref('stg_landing__clock') }}

),

rules as (

    select * from {{ ref('lead_rules') }}

),

series as (

    {{ dbt.generate_series(36) }}

),

months as (

    select
        cast({{ dbt.dateadd(
            'month',
            '1 - cast(series.generated_number as ' ~ dbt.type_int() ~ ')',
            dbt.date_trunc('month', 'clock.today')
        ) }} as date) as snapshot_on,
        clock.today
    from series
    cross join clock

),

-- A window is closed when an early hand-over has had its second chance, too.
closed as (

    select
        rules.lead_kind,
        rules.horizon_days,
        months.snapshot_on,
        cast(
            {{ dbt.dateadd('day', 'rules.horizon_days', 'months.snapshot_on') }} as date
        ) as ends_on,
        cast(
            {{ dbt.dateadd('day', '2 * rules.horizon_days', 'months.snapshot_on') }}
            as date
        ) as closes_on,
        row_number() over (
            partition by rules.lead_kind order by months.snapshot_on desc
        ) as snapshot_number
    from rules
    cross join months
    where {{ dbt.dateadd('day', '2 * rules.horizon_days', 'months.snapshot_on') }}
        <= months.today

),

chosen as (

    select
        lead_kind,
        snapshot_on,
        ends_on,
        closes_on
    from closed
    where snapshot_number <= {{ count_snapshots }}

)

select * from chosen
