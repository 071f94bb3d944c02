with

overrides as (

    select * from {{ ref('identity_overrides') }}

),

nodes as (

    select * from {{ ref('int_identity_nodes_registered') }}

),

records as (

    select
        node_id,
        concat(source, '/', source_record_key) as record
    from nodes

),

-- A declaration about a record that has not landed waits for it.
placed as (

    select
        overrides.override_id,
        overrides.kind,
        records_a.node_id as node_a,
        records_b.node_id as node_b,
        overrides.author,
        overrides.reason,
        overrides.decided_on
    from overrides
    inner join records as records_a
        on overrides.record_a = records_a.record
    inner join records as records_b
        on overrides.record_b = records_b.record
    where records_a.node_id <> records_b.node_id

)

select * from placed
