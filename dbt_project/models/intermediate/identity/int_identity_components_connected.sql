-- depends_on: {{ ref('int_identity_nodes_chosen') }}
{{ config(materialized='persons', nodes='int_identity_nodes_chosen') }}

with

claims as (

    select * from {{ ref('int_identity_claims_collected') }}

)

select * from claims
