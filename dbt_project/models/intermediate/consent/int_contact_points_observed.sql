with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

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

    select * from {{ ref('int_devices_owned') }}

),

push_tokens as (

    select * from {{ ref('stg_push__tokens') }}

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
    union all
    select
        'push_token' as identifier_type,
        push_tokens.push_token as identifier_value,
        coalesce(resolved.customer_id, devices.customer_id) as customer_id,
        1 as trust_rank,
        push_tokens.registered_at as first_seen_at,
        coalesce(push_tokens.last_seen_at, push_tokens.registered_at) as last_seen_at
    from push_tokens
    left join resolved
        on resolved.source = 'push'
            and resolved.source_record_key = concat('tokens:', push_tokens.push_token)
    left join devices
        on push_tokens.device_id = devices.device_id
    cross join clock
    where not {{ is_future('push_tokens.registered_at', 'clock.as_of') }}
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
