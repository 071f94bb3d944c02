with

nodes as (

    select * from {{ ref('int_identity_nodes_numbered') }}

),

components as (

    select * from {{ ref('int_identity_components_connected') }}

),

-- A customer is named after the oldest record: it stays the oldest when younger ones join it.
named as (

    select
        node_id as component_id,
        {{ dbt.hash("concat(source, ':', source_record_key)") }} as customer_id
    from nodes

),

resolved as (

    select
        nodes.source,
        nodes.source_record_key,
        nodes.node_id,
        named.customer_id
    from nodes
    inner join components
        on components.node_id = nodes.node_id
    inner join named
        on named.component_id = components.component_id

)

select * from resolved
