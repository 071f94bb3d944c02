with

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}

),

judged as (

    select * from {{ ref('int_identifiers_judged') }}

),

identifier_types as (

    select * from {{ ref('identity_identifier_types') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

held as (

    select
        values_held.*,
        resolved.customer_id
    from {{ ref('int_identity_values_held') }} as values_held
    inner join resolved
        on values_held.node_id = resolved.node_id

),

reached as (

    select
        identifier_type,
        match_value,
        holder,
        count(*) as count_records,
        min(customer_id) as first_customer_id,
        max(customer_id) as last_customer_id
    from held
    group by
        identifier_type,
        match_value,
        holder

),

-- A value that was refused once joins nobody: whoever is together is so for other reasons.
judged_values as (

    select
        held.node_id,
        held.identifier_type,
        held.match_value,
        case
            when reached.first_customer_id <> reached.last_customer_id then 'refused'
            when reached.count_records > 1 then 'joins'
        end as evidence_use
    from held
    inner join reached
        on held.identifier_type = reached.identifier_type
            and held.match_value = reached.match_value
            and held.holder = reached.holder

),

evidenced as (

    select
        resolved.customer_id,
        identifiers.identifier_type,
        identifiers.identifier_value,
        resolved.source,
        resolved.source_record_key,
        case
            when judged.is_blocked then 'placeholder'
            when judged.is_shared then 'crowded'
            when not judged.is_joining then 'not compared'
            else coalesce(judged_values.evidence_use, 'alone')
        end as evidence_use,
        cast(identifier_types.confidence as {{ type_double() }}) as confidence,
        judged.is_shared or judged.is_blocked as is_shared,
        identifiers.first_seen_at,
        identifiers.last_seen_at
    from identifiers
    inner join judged
        on identifiers.identifier_type = judged.identifier_type
            and identifiers.match_value = judged.match_value
    inner join identifier_types
        on identifiers.identifier_type = identifier_types.identifier_type
    inner join resolved
        on identifiers.node_id = resolved.node_id
    left join judged_values
        on identifiers.node_id = judged_values.node_id
            and identifiers.identifier_type = judged_values.identifier_type
            and identifiers.match_value = judged_values.match_value

)

select * from evidenced
