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

owned as (

    select
        identifiers.identifier_value as device_id,
        min(resolved.customer_id) as customer_id,
        min(identifiers.first_seen_at) as first_seen_at,
        max(identifiers.last_seen_at) as last_seen_at
    from identifiers
    inner join judged
        on judged.identifier_type = identifiers.identifier_type
        and judged.identifier_value = identifiers.identifier_value
    inner join resolved
        on resolved.source = identifiers.source
        and resolved.source_record_key = identifiers.source_record_key
    where identifiers.identifier_type = 'device'
        and not judged.is_blocked
    group by identifiers.identifier_value
    having count(distinct resolved.customer_id) = 1

)

select * from owned
