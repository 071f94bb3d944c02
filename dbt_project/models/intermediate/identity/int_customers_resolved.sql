with

assignments as (

    select * from {{ ref('int_customer_assignments_recorded') }}
    where valid_to_run is null

),

records as (

    select * from {{ ref('int_identity_nodes_registered') }}

),

resolved as (

    select
        assignments.node_id,
        records.source,
        records.source_record_key,
        assignments.customer_id
    from assignments
    inner join records
        on assignments.node_id = records.node_id

)

select * from resolved
