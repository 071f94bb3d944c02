{# After every identifier: what names and addresses say is the weakest evidence. #}
{% set level = 9 %}

with

links as (

    select * from {{ ref('stg_ml__identity_links') }}
    where decision = 'link'

),

nodes as (

    select * from {{ ref('int_identity_nodes_registered') }}

),

postal_records as (

    select * from {{ ref('int_postal_records_chosen') }}

),

placed as (

    select
        node_a.node_id as node_a,
        node_b.node_id as node_b,
        concat(
            'link|',
            cast(node_a.node_id as {{ dbt.type_string() }}),
            '|',
            cast(node_b.node_id as {{ dbt.type_string() }})
        ) as claim_key
    from links
    inner join nodes as node_a
        on links.source_a = node_a.source
            and links.source_record_key_a = node_a.source_record_key
    inner join nodes as node_b
        on links.source_b = node_b.source
            and links.source_record_key_b = node_b.source_record_key

),

ends as (

    select
        node_a as node_id,
        claim_key
    from placed
    union
    select
        node_b as node_id,
        claim_key
    from placed

),

-- Two records that each have an identifier of their own are not one person for being alike.
anchored as (

    select distinct ends.node_id
    from ends
    inner join nodes
        on ends.node_id = nodes.node_id
    inner join postal_records
        on nodes.source = postal_records.source
            and nodes.source_record_key = postal_records.source_record_key
    where not postal_records.is_linkable

),

claimed as (

    select
        node_id,
        'value' as kind,
        {{ level }} as level,
        claim_key,
        '' as claim_value,
        0 as max_values
    from ends
    union all
    select
        node_id,
        'limit' as kind,
        {{ level }} as level,
        'linked' as claim_key,
        cast(node_id as {{ dbt.type_string() }}) as claim_value,
        1 as max_values
    from anchored

)

select * from claimed
