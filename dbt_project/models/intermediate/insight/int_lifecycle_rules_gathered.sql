{%- set by_hand = var('lifecycle_thresholds') -%}

with

versions as (

    select * from {{ ref('int_lifecycle_versions_dated') }}

),

rhythms as (

    select * from {{ ref('int_purchase_rhythms_calibrated') }}

),

windows as (

    select * from {{ ref('int_lapse_windows_learned') }}

),

loyalties as (

    select * from {{ ref('int_loyalty_limits_learned') }}

),

gathered as (

    select
        versions.rule_version,
        versions.valid_from,
        versions.valid_to,
        versions.is_current,
        {{ lifecycle_threshold('rhythms', 'mean_gap_days') }},
        rhythms.shrinkage,
        {{ lifecycle_threshold('rhythms', 'risk_ratio') }},
        {{ lifecycle_threshold('rhythms', 'lapse_ratio') }},
        {{ lifecycle_threshold('windows', 'w95_days') }},
        {{ lifecycle_threshold('loyalties', 'enter_count_orders') }},
        {{ lifecycle_threshold('loyalties', 'enter_margin') }},
        {{ lifecycle_threshold('loyalties', 'stay_count_orders') }},
        {{ lifecycle_threshold('loyalties', 'stay_margin') }},
        rhythms.reason as rhythm_reason,
        windows.reason as window_reason,
        {{ "'" ~ (by_hand | list | sort | join(', ')) ~ "'" if by_hand else 'null' }}
            as set_by_hand
    from versions
    inner join rhythms
        on versions.rule_version = rhythms.rule_version
    inner join windows
        on versions.rule_version = windows.rule_version
    inner join loyalties
        on versions.rule_version = loyalties.rule_version

)

select * from gathered
