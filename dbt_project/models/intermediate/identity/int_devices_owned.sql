with

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}
    where identifier_type = 'device'

),

judged as (

    select * from {{ ref('int_identifiers_judged') }}
    where identifier_type = 'device'
        and not is_blocked

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

-- A device that two customers use tells nothing about who holds it at the moment.
owned as (

    select
        identifiers.identifier_value as device_id,
        min(resolved.customer_id) as customer_id,
        min(identifiers.first_seen_at) as first_seen_at,
        max(identifiers.last_seen_at) as last_seen_at
    from identifiers
    inner join judged
        on identifiers.match_value = judged.match_value
    inner join resolved
        on identifiers.node_id = resolved.node_id
    group by identifiers.identifier_value
    having min(resolved.customer_id) = max(resolved.customer_id)

)

select * from owned
