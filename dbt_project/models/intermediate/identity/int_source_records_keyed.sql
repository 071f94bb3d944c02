with

records as (

    select * from {{ ref('int_source_records_unioned') }}

),

nodes as (

    select * from {{ ref('int_identity_nodes_registered') }}

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
        nodes.node_id,
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
    inner join nodes
        on spelled.source = nodes.source
            and spelled.source_record_key = nodes.source_record_key

)

select * from keyed
