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

final as (

    select
        resolved.customer_id,
        identifiers.identifier_type,
        identifiers.identifier_value,
        identifiers.source,
        identifiers.source_record_key,
        judged.is_shared or judged.is_blocked as is_shared,
        min(identifiers.first_seen_at) as first_seen_at,
        max(identifiers.last_seen_at) as last_seen_at
    from identifiers
    inner join judged
        on judged.identifier_type = identifiers.identifier_type
        and judged.identifier_value = identifiers.identifier_value
    inner join resolved
        on resolved.source = identifiers.source
        and resolved.source_record_key = identifiers.source_record_key
    group by
        resolved.customer_id,
        identifiers.identifier_type,
        identifiers.identifier_value,
        identifiers.source,
        identifiers.source_record_key,
        judged.is_shared or judged.is_blocked

)

select * from final
