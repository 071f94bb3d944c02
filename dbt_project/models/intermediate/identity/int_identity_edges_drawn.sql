with

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}

),

judged as (

    select * from {{ ref('int_identifiers_judged') }}

),

nodes as (

    select * from {{ ref('int_identity_nodes_numbered') }}

),

-- Two names on one value are two people who share it: each keeps the records in their own name.
held as (

    select
        nodes.node_id,
        identifiers.identifier_type,
        identifiers.identifier_value,
        case
            when judged.count_names > 1
                then coalesce(identifiers.name_key, judged.main_name_key)
            else ''
        end as holder
    from identifiers
    inner join judged
        on judged.identifier_type = identifiers.identifier_type
        and judged.identifier_value = identifiers.identifier_value
    inner join nodes
        on nodes.source = identifiers.source
        and nodes.source_record_key = identifiers.source_record_key
    where judged.is_joining_type
        and not judged.is_blocked
        and not judged.is_shared
        -- A phone or device without any name on it must not join two accounts.
        and not (
            judged.identifier_type in ('phone', 'device', 'push_token')
            and judged.count_names = 0
            and judged.count_accounts > 1
        )

),

drawn as (

    select
        min(node_id) over (
            partition by identifier_type, identifier_value, holder
        ) as node_a,
        node_id as node_b,
        identifier_type
    from held

),

kept as (

    select distinct
        node_a,
        node_b,
        identifier_type
    from drawn
    where node_a <> node_b

)

select * from kept
