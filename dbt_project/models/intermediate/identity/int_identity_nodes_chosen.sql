with

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}

),

judged as (

    select * from {{ ref('int_identifiers_judged') }}

),

records as (

    select * from {{ ref('int_source_records_keyed') }}

),

-- A device is not a person, nor is a placeholder, nor an address without a name.
chosen as (

    select distinct identifiers.node_id
    from identifiers
    inner join judged
        on identifiers.identifier_type = judged.identifier_type
            and identifiers.match_value = judged.match_value
    inner join records
        on identifiers.node_id = records.node_id
    where judged.is_identifying
        and not judged.is_blocked
        and (identifiers.identifier_type <> 'address' or records.name_key is not null)

)

select * from chosen
