with

records as (

    select * from {{ ref('int_source_records_unioned') }}

),

sightings as (

    select
        source,
        source_record_key,
        seen_at
    from {{ ref('int_source_records_unioned') }}

),

-- Numbered in order of first sight: the smallest number of a person is their oldest record.
-- Apart from the rest, because sorting whole records is what costs.
numbered as (

    select
        source,
        source_record_key,
        row_number() over (order by seen_at, source, source_record_key) as node_id
    from sightings

),

spelled as (

    select
        records.*,
        {{ fold_letters('first_name') }} as folded_first_name,
        {{ fold_letters('last_name') }} as folded_last_name,
        {{ fold_letters("concat(street, coalesce(house_number, ''))") }}
            as folded_street,
        {{ fold_letters('postal_code') }} as folded_postal_code
    from records

),

-- Names go in alphabetical order, because forms get them swapped.
keyed as (

    select
        numbered.node_id,
        spelled.*,
        {{ mailbox('email') }} as mailbox,
        case
            when folded_first_name <= folded_last_name
                then concat(folded_first_name, '|', folded_last_name)
            when folded_first_name > folded_last_name
                then concat(folded_last_name, '|', folded_first_name)
        end as name_key,
        case
            when street is not null and folded_postal_code is not null
                then concat(
                        {{ known_country('country_code') }},
                        '|',
                        folded_postal_code,
                        '|',
                        replace(folded_street, 'strasse', 'str')
                    )
        end as household_key
    from spelled
    inner join numbered
        on spelled.source = numbered.source
            and spelled.source_record_key = numbered.source_record_key

)

select * from keyed
