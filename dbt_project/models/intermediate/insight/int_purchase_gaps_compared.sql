{%- set shrinkage = 2 -%}

with

versions as (

    select * from {{ ref('int_lifecycle_versions_dated') }}

),

int_purchase_gaps_measured as (

    select * from {{ ref('int_purchase_gaps_measured') }}
    where is_later_gap

),

category_rhythms as (

    select * from {{ ref('int_category_rhythms_learned') }}

),

-- What a version may know: the gaps that were over before it began.
gaps as (

    select
        versions.rule_version,
        int_purchase_gaps_measured.customer_id,
        int_purchase_gaps_measured.customer_category,
        int_purchase_gaps_measured.season_gap_days
    from versions
    inner join int_purchase_gaps_measured
        on int_purchase_gaps_measured.occurred_at < versions.valid_from
            and {{ told_to_version('int_purchase_gaps_measured') }}

),

population as (

    select
        rule_version,
        avg(season_gap_days) as mean_gap_days
    from gaps
    group by rule_version

),

customers as (

    select
        rule_version,
        customer_id,
        count(*) as count_gaps,
        sum(season_gap_days) as sum_gap_days
    from gaps
    group by rule_version, customer_id
    having count(*) >= 3

),

-- Each gap is held against the customer's other gaps, never against itself.
compared as (

    select
        gaps.rule_version,
        gaps.season_gap_days,
        gaps.season_gap_days / (
            (
                customers.sum_gap_days - gaps.season_gap_days
                + {{ shrinkage }}
                * coalesce(category_rhythms.mean_gap_days, population.mean_gap_days)
            ) / (customers.count_gaps - 1 + {{ shrinkage }})
        ) as overdue_ratio
    from gaps
    inner join population
        on gaps.rule_version = population.rule_version
    left join customers
        on gaps.rule_version = customers.rule_version
            and gaps.customer_id = customers.customer_id
    left join category_rhythms
        on gaps.rule_version = category_rhythms.rule_version
            and gaps.customer_category = category_rhythms.customer_category

)

select * from compared
