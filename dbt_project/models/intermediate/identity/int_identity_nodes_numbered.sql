with

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}

),

judged as (

    select * from {{ ref('int_identifiers_judged') }}

),

records as (

    select * from {{ ref('int_source_records_unioned') }}

),

-- A device alone is not a person, nor is a placeholder.
identifying as (

    select distinct
        identifiers.source,
        identifiers.source_record_key
    from identifiers
    inner join judged
        on judged.identifier_type = identifiers.identifier_type
        and judged.identifier_value = identifiers.identifier_value
    where not judged.is_blocked
        and (
            identifiers.identifier_type not in ('device', 'push_token', 'address')
            or (identifiers.identifier_type = 'address' and identifiers.name_key is not null)
        )

),

-- Numbered in order of first sight, so that the smallest number of a person is the oldest record.
numbered as (

    select
        row_number() over (
            order by records.seen_at, records.source, records.source_record_key
        ) as node_id,
        records.source,
        records.source_record_key,
        records.seen_at
    from records
    inner join identifying
        on identifying.source = records.source
        and identifying.source_record_key = records.source_record_key

)

select * from numbered
