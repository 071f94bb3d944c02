{%- set and_above = 'partition by candidates.score_version, candidates.lead_kind '
    ~ 'order by candidates.threshold desc '
    ~ 'rows between unbounded preceding and current row' -%}

with

rules as (

    select * from {{ ref('lead_rules') }}

),

versions as (

    select * from {{ ref('score_versions') }}

),

snapshots as (

    select * from {{ ref('int_lead_snapshots_taken') }}

),

series as (

    {{ dbt.generate_series(21) }}

),

bands as (

    select
        score_version,
        lead_kind,
        5 * floor(score / 5) as band,
        count(*) as count_leads,
        {{ count_where('is_sale') }} as count_sales,
        {{ count_where('is_late_sale') }} as count_late_sales
    from snapshots
    group by score_version, lead_kind, 5 * floor(score / 5)

),

totals as (

    select
        score_version,
        lead_kind,
        count(distinct snapshot_on) as count_snapshots,
        {{ count_where('is_sale') }} as count_all_sales,
        avg(margin_amount) as average_margin
    from snapshots
    group by score_version, lead_kind

),

candidates as (

    select
        versions.score_version,
        versions.is_active,
        rules.lead_kind,
        rules.horizon_days,
        rules.contact_cost,
        rules.early_cost,
        rules.monthly_capacity,
        cast(5 * (series.generated_number - 1) as {{ dbt.type_int() }}) as threshold,
        coalesce(totals.count_snapshots, 0) as count_snapshots,
        coalesce(totals.count_all_sales, 0) as count_all_sales,
        coalesce(rules.sale_value, totals.average_margin, 0) as sale_value
    from versions
    cross join rules
    cross join series
    left join totals
        on versions.score_version = totals.score_version
            and rules.lead_kind = totals.lead_kind

),

counted as (

    select
        candidates.*,
        coalesce(bands.count_sales, 0) as band_sales,
        coalesce(bands.count_leads, 0) as band_leads,
        sum(coalesce(bands.count_leads, 0)) over ({{ and_above }}) as count_leads,
        sum(coalesce(bands.count_sales, 0)) over ({{ and_above }}) as count_sales,
        sum(coalesce(bands.count_late_sales, 0)) over ({{ and_above }}) as count_early
    from candidates
    left join bands
        on candidates.score_version = bands.score_version
            and candidates.lead_kind = bands.lead_kind
            and candidates.threshold = bands.band

)

select * from counted
