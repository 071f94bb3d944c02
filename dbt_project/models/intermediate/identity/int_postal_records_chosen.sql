with

records as (

    select * from {{ ref('int_source_records_keyed') }}

),

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}

),

judged as (

    select * from {{ ref('int_identifiers_judged') }}

),

identifier_types as (

    select * from {{ ref('identity_identifier_types') }}

),

-- A record's own number that no other record bears reaches nobody; a telephone number may, as
-- soon as somebody else shows it.
reaching as (

    select distinct identifiers.node_id
    from identifiers
    inner join judged
        on identifiers.identifier_type = judged.identifier_type
            and identifiers.match_value = judged.match_value
    inner join identifier_types
        on identifiers.identifier_type = identifier_types.identifier_type
    where identifier_types.is_joining
        and not judged.is_blocked
        and not judged.is_shared
        and (identifier_types.is_shareable or judged.count_records > 1)

),

-- The house number is at the end of the street, wherever it was typed.
spelled as (

    select
        records.source,
        records.source_record_key,
        reaching.node_id is null as is_linkable,
        records.folded_first_name as first_name,
        records.folded_last_name as last_name,
        records.folded_street,
        {{ street_name('records.folded_street') }} as folded_street_name,
        records.folded_postal_code as postal_code,
        {{ fold_letters('records.city') }} as city,
        {{ known_country('records.country_code') }} as country_code
    from records
    left join reaching
        on records.node_id = reaching.node_id
    where records.name_key is not null
        and records.household_key is not null

),

chosen as (

    select
        source,
        source_record_key,
        is_linkable,
        first_name,
        last_name,
        replace(folded_street_name, 'strasse', 'str') as street,
        nullif(substring(folded_street, length(folded_street_name) + 1), '')
            as house_number,
        postal_code,
        city,
        country_code
    from spelled

)

select * from chosen
