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
        on identifiers.identifier_type = judged.identifier_type
            and identifiers.match_value = judged.match_value
    inner join resolved
        on identifiers.node_id = resolved.node_id

)

select * from evidenced
