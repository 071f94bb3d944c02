-- depends_on: {{ ref('int_identity_nodes_numbered') }}
{{ config(materialized='components', nodes='int_identity_nodes_numbered') }}

with

edges as (

    select * from {{ ref('int_identity_edges_drawn') }}

)

select * from edges
