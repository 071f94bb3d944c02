{%- set lead_kinds = "('prospect', 'account')" -%}

with

windows as (

    select * from {{ ref('int_lead_windows_closed') }}

),

rules as (

    select * from {{ ref('lead_rules') }}

),

versions as (

    select * from {{ ref('score_versions') }}
    where is_active

),

customers as (

    select * from {{ ref('customers') }}

),

snapshots as (

    select * from {{ ref('int_lead_snapshots_taken') }}
    where lead_kind in {{ lead_kinds }}

),

current_scores as (

    select * from {{ ref('int_scores_current') }}
    where is_active
        and lead_kind in {{ lead_kinds }}

),

-- A past snapshot knows what came before its day, the current one what the run knows.
unioned as (

    select
        snapshots.customer_id,
        snapshots.lead_kind,
        snapshots.score_version,
        cast(snapshots.snapshot_on as {{ dbt.type_timestamp() }}) as as_of,
        snapshots.snapshot_on,
        cast({{ dbt.dateadd('day', -1, 'snapshots.snapshot_on') }} as date)
            as known_until_on,
        windows.ends_on,
        windows.closes_on,
        snapshots.score,
        snapshots.is_sale,
        snapshots.is_late_sale,
        snapshots.margin_amount,
        false as is_current
    from snapshots
    inner join windows
        on snapshots.lead_kind = windows.lead_kind
            and snapshots.snapshot_on = windows.snapshot_on
    union all
    select
        customer_id,
        lead_kind,
        score_version,
        as_of,
        today as snapshot_on,
        today as known_until_on,
        null as ends_on,
        null as closes_on,
        score,
        null as is_sale,
        null as is_late_sale,
        null as margin_amount,
        true as is_current
    from current_scores

),

taken as (

    select
        unioned.*,
        case
            when customers.is_business then versions.business_half_life_days
            else versions.half_life_days
        end as half_life_days,
        rules.horizon_days,
        rules.sale_value,
        rules.contact_cost,
        rules.early_cost,
        rules.monthly_capacity
    from unioned
    inner join versions
        on unioned.score_version = versions.score_version
    inner join customers
        on unioned.customer_id = customers.customer_id
    inner join rules
        on unioned.lead_kind = rules.lead_kind

)

select * from taken
