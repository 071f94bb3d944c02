with

records as (

    select * from {{ ref('int_source_records_keyed') }}

),

components as (

    select * from {{ ref('int_identity_components_connected') }}

),

-- A customer is named after the oldest record: it stays the oldest when younger ones join it.
named as (

    select
        components.component_id,
        {{ dbt.hash("concat(records.source, ':', records.source_record_key)") }}
            as customer_id
    from components
    inner join records
        on components.component_id = records.node_id
    where components.node_id = components.component_id

),

resolved as (

    select
        records.node_id,
        records.source,
        records.source_record_key,
        named.customer_id
    from components
    inner join named
        on components.component_id = named.component_id
    inner join records
        on components.node_id = records.node_id

)

select * from resolved
