with

holds as (

    select * from {{ ref('holds') }}

),

service_cases as (

    select * from {{ ref('service_cases') }}

),

opt_outs as (

    select * from {{ ref('int_opt_outs_found') }}

),

lapses as (

    select * from {{ ref('lapses') }}

),

value_tiers as (

    select * from {{ ref('value_tiers') }}

),

-- A severe case is a complaint from its start, another one by the mark given at its end.
troubles as (

    select
        holds.customer_id,
        case
            when service_cases.case_id is null then holds.reason
            else 'complaint'
        end as reason,
        case
            when service_cases.case_id is null or service_cases.severity = 'high'
                then holds.starts_at
            else holds.resolved_at
        end as started_at,
        coalesce(holds.resolved_at, holds.ends_at) as settled_at
    from holds
    left join service_cases
        on holds.hold_id = service_cases.case_id
    where service_cases.case_id is null
        or service_cases.severity = 'high'
        or service_cases.satisfaction_score <= 2

),

unioned as (

    select
        troubles.*,
        cast(null as {{ dbt.type_timestamp() }}) as revoked_at
    from troubles
    where started_at is not null
    union all
    select
        customer_id,
        reason,
        occurred_at as started_at,
        occurred_at as settled_at,
        granted_again_at as revoked_at
    from opt_outs
    union all
    select
        lapses.customer_id,
        case when value_tiers.is_price_sensitive then 'price' else 'silence' end
            as reason,
        lapses.lapsed_at as started_at,
        lapses.lapsed_at as settled_at,
        cast(null as {{ dbt.type_timestamp() }}) as revoked_at
    from lapses
    inner join value_tiers
        on lapses.customer_id = value_tiers.customer_id

)

select * from unioned
