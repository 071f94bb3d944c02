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

evidenced as (

    select
        resolved.customer_id,
        identifiers.identifier_type,
        identifiers.identifier_value,
        resolved.source,
        resolved.source_record_key,
        judged.is_shared or judged.is_blocked as is_shared,
        identifiers.first_seen_at,
        identifiers.last_seen_at
    from identifiers
    inner join judged
        on judged.identifier_type = identifiers.identifier_type
        and judged.match_value = identifiers.match_value
    inner join resolved
        on resolved.node_id = identifiers.node_id

)

select * from evidenced
