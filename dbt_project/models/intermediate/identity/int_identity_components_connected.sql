-- depends_on: {{ ref('int_identity_nodes_chosen') }}
{{ config(materialized='components', nodes='int_identity_nodes_chosen') }}

with

edges as (

    select * from {{ ref('int_identity_edges_drawn') }}

)

select * from edges
