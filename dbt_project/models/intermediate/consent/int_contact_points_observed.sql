with

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}

),

judged as (

    select * from {{ ref('int_identifiers_judged') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

records as (

    select * from {{ ref('int_source_records_keyed') }}

),

consent_events as (

    select * from {{ ref('int_consent_events_unioned') }}
    where source = 'consent'

),

devices as (

    select * from {{ ref('int_devices_held') }}
    where count_holders = 1

),

push_tokens as (

    select * from {{ ref('int_push_tokens_assigned') }}

),

sighted as (

    select
        identifiers.identifier_type,
        identifiers.identifier_value,
        resolved.customer_id,
        records.trust_rank,
        identifiers.first_seen_at,
        identifiers.last_seen_at
    from identifiers
    inner join judged
        on identifiers.identifier_type = judged.identifier_type
            and identifiers.match_value = judged.match_value
    inner join records
        on identifiers.node_id = records.node_id
    left join resolved
        on identifiers.node_id = resolved.node_id
    where identifiers.identifier_type in ('email', 'phone')
        and not judged.is_blocked
        and not judged.is_shared
    union all
    select
        'postal_address' as identifier_type,
        concat(records.household_key, '|', records.name_key) as identifier_value,
        resolved.customer_id,
        records.trust_rank,
        records.seen_at as first_seen_at,
        records.updated_at as last_seen_at
    from records
    inner join resolved
        on records.node_id = resolved.node_id
    where records.household_key is not null
        and records.name_key is not null
    union all
    select
        'push_token' as identifier_type,
        push_token as identifier_value,
        customer_id,
        1 as trust_rank,
        registered_at as first_seen_at,
        last_seen_at
    from push_tokens
    union all
    select
        'device' as identifier_type,
        device_id as identifier_value,
        customer_id,
        1 as trust_rank,
        first_seen_at,
        last_seen_at
    from devices
    union all
    select
        identifier_type,
        identifier_value,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        9 as trust_rank,
        occurred_at as first_seen_at,
        occurred_at as last_seen_at
    from consent_events

)

select * from sighted
