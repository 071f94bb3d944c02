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

records as (

    select * from {{ ref('int_source_records_keyed') }}

),

nodes as (

    select * from {{ ref('int_identity_nodes_chosen') }}

),

joining as (

    select
        judged.*,
        identifier_types.priority,
        identifier_types.is_shareable and judged.count_names > 1 as is_split_by_name
    from judged
    inner join identifier_types
        on judged.identifier_type = identifier_types.identifier_type
    where judged.count_records > 1
        and judged.is_joining
        and not judged.is_blocked
        and not judged.is_shared

),

-- Two names on one value are two people who share it: each keeps the records in their own name.
held as (

    select distinct
        identifiers.node_id,
        identifiers.identifier_type,
        identifiers.match_value,
        joining.priority,
        case
            when joining.is_split_by_name
                then coalesce(records.name_key, joining.main_name_key)
            else ''
        end as holder
    from identifiers
    inner join joining
        on identifiers.identifier_type = joining.identifier_type
            and identifiers.match_value = joining.match_value
    inner join nodes
        on identifiers.node_id = nodes.node_id
    inner join records
        on identifiers.node_id = records.node_id

)

select * from held
