{{
    config(
        materialized='incremental', incremental_strategy='append', full_refresh=false
    )
}}

with

records as (

    select
        source,
        source_record_key,
        seen_at
    from {{ ref('int_source_records_unioned') }}

),

{% if is_incremental() %}
known as (

    select
        source,
        source_record_key,
        node_id
    from {{ this }}

),

last_known as (

    select coalesce(max(node_id), 0) as node_id from known

),

found as (

    select records.*
    from records
    left join known
        on records.source = known.source
            and records.source_record_key = known.source_record_key
    where known.node_id is null

),

{% else %}
last_known as (

    select 0 as node_id

),

found as (

    select * from records

),

{% endif %}
-- Numbered in order of first sight: the smallest number of a person is their oldest record.
-- Apart from the rest of the record, because sorting whole records is what costs.
registered as (

    select
        found.source,
        found.source_record_key,
        cast(
            last_known.node_id + row_number() over (
                order by found.seen_at, found.source, found.source_record_key
            ) as {{ dbt.type_bigint() }}
        ) as node_id
    from found
    cross join last_known

)

select * from registered
