{%- set count_required = 200 -%}
{%- set by_hand = 'mean_gap_days' in var('lifecycle_thresholds') -%}

with

versions as (

    select * from {{ ref('int_lifecycle_versions_dated') }}

),

gaps as (

    select * from {{ ref('int_purchase_gaps_measured') }}
    where is_later_gap
        and customer_category is not null

),

-- Known since it was over and its timeline told it, until the timeline ended.
changes as (

    select
        customer_category,
        case when occurred_at < valid_from then valid_from else occurred_at end
            as changed_at,
        1 as count_gaps,
        season_gap_days
    from gaps
    union all
    select
        customer_category,
        valid_to as changed_at,
        -1 as count_gaps,
        -season_gap_days as season_gap_days
    from gaps
    where valid_to is not null

),

-- Versions begin with a quarter: what was known before one is the sum of whole quarters.
quarters as (

    select
        customer_category,
        {{ dbt.date_trunc('quarter', 'changed_at') }} as quarter_start,
        sum(count_gaps) as count_gaps,
        sum(season_gap_days) as sum_gap_days
    from changes
    group by customer_category, {{ dbt.date_trunc('quarter', 'changed_at') }}

),

learned as (

    select
        versions.rule_version,
        quarters.customer_category,
        cast(sum(quarters.count_gaps) as {{ dbt.type_bigint() }}) as count_gaps,
        cast(
            sum(quarters.sum_gap_days) / sum(quarters.count_gaps) as decimal(18, 6)
        ) as mean_gap_days
    from versions
    inner join quarters
        on quarters.quarter_start < versions.valid_from
    group by versions.rule_version, quarters.customer_category
    having sum(quarters.count_gaps) >= {{ count_required }}
        and {{ 'not ' if by_hand }}true

)

select * from learned
