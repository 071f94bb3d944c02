{%- set shrinkage = 2 -%}
{%- set count_required = 50 -%}

with

versions as (

    select * from {{ ref('int_lifecycle_versions_dated') }}

),

int_purchase_gaps_compared as (

    select * from {{ ref('int_purchase_gaps_compared') }}

),

measured as (

    select
        rule_version,
        count(*) as count_later_gaps,
        avg(season_gap_days) as mean_gap_days,
        count(overdue_ratio) as count_ratios,
        {{ percentile('overdue_ratio', 0.90) }} as risk_ratio,
        {{ percentile('overdue_ratio', 0.975) }} as lapse_ratio
    from int_purchase_gaps_compared
    group by rule_version

),

judged as (

    select
        versions.rule_version,
        versions.is_current,
        coalesce(measured.count_later_gaps, 0) as count_later_gaps,
        measured.mean_gap_days,
        coalesce(measured.count_ratios, 0) as count_ratios,
        measured.risk_ratio,
        measured.lapse_ratio,
        coalesce(measured.count_later_gaps, 0) >= {{ count_required }} as has_mean,
        coalesce(measured.count_ratios, 0) >= {{ count_required }} as has_ratios
    from versions
    left join measured
        on versions.rule_version = measured.rule_version

),

calibrated as (

    select
        rule_version,
        is_current,
        count_later_gaps,
        count_ratios,
        {{ shrinkage }} as shrinkage,
        case when has_mean then cast(mean_gap_days as decimal(18, 6)) else 90.0 end
            as mean_gap_days,
        case when has_ratios then cast(risk_ratio as decimal(18, 6)) else 2.0 end
            as risk_ratio,
        case when has_ratios then cast(lapse_ratio as decimal(18, 6)) else 3.0 end
            as lapse_ratio,
        has_mean and has_ratios as is_reliable,
        case
            when not has_mean
                then 'default: fewer than {{ count_required }} later gaps'
            when not has_ratios
                then 'default ratios: fewer than {{ count_required }} comparable gaps'
            else 'measured'
        end as reason
    from judged

)

select * from calibrated
