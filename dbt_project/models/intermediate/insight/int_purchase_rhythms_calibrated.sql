{%- set shrinkage = 2 -%}
{%- set count_required = 50 -%}

with

versions as (

    select * from {{ ref('int_lifecycle_versions_dated') }}

),

int_purchase_gaps_measured as (

    select * from {{ ref('int_purchase_gaps_measured') }}
    where is_later_gap

),

-- What a version may know: the gaps that were over before it began.
gaps as (

    select
        versions.rule_version,
        int_purchase_gaps_measured.customer_id,
        int_purchase_gaps_measured.gap_days
    from versions
    inner join int_purchase_gaps_measured
        on int_purchase_gaps_measured.occurred_at < versions.valid_from

),

population as (

    select
        rule_version,
        count(*) as count_later_gaps,
        avg(gap_days) as mean_gap_days
    from gaps
    group by rule_version

),

customers as (

    select
        rule_version,
        customer_id,
        count(*) as count_gaps,
        sum(gap_days) as sum_gap_days
    from gaps
    group by rule_version, customer_id
    having count(*) >= 3

),

-- Each gap is held against the customer's other gaps, never against itself.
compared as (

    select
        gaps.rule_version,
        gaps.gap_days / (
            (
                customers.sum_gap_days - gaps.gap_days
                + {{ shrinkage }} * population.mean_gap_days
            ) / (customers.count_gaps - 1 + {{ shrinkage }})
        ) as overdue_ratio
    from gaps
    inner join customers
        on gaps.rule_version = customers.rule_version
            and gaps.customer_id = customers.customer_id
    inner join population
        on gaps.rule_version = population.rule_version

),

quantiles as (

    select
        rule_version,
        count(*) as count_ratios,
        {{ percentile('overdue_ratio', 0.90) }} as risk_ratio,
        {{ percentile('overdue_ratio', 0.975) }} as lapse_ratio
    from compared
    group by rule_version

),

judged as (

    select
        versions.rule_version,
        versions.valid_from,
        versions.is_current,
        coalesce(population.count_later_gaps, 0) as count_later_gaps,
        population.mean_gap_days,
        coalesce(quantiles.count_ratios, 0) as count_ratios,
        quantiles.risk_ratio,
        quantiles.lapse_ratio,
        coalesce(population.count_later_gaps, 0) >= {{ count_required }} as has_mean,
        coalesce(quantiles.count_ratios, 0) >= {{ count_required }} as has_ratios
    from versions
    left join population
        on versions.rule_version = population.rule_version
    left join quantiles
        on versions.rule_version = quantiles.rule_version

),

calibrated as (

    select
        rule_version,
        valid_from,
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
