with

values_held as (

    select
        node_id,
        'value' as kind,
        priority as level,
        concat(identifier_type, '|', match_value, '|', holder) as claim_key,
        '' as claim_value,
        0 as max_values
    from {{ ref('int_identity_values_held') }}

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

linked as (

    select * from {{ ref('int_identity_links_placed') }}

),

overrides as (

    select
        override_id,
        kind,
        node_a,
        node_b
    from {{ ref('int_identity_overrides_placed') }}

),

-- Two accounts in one name may be one person, two in different names or without one may not.
limits as (

    select distinct
        identifiers.node_id,
        'limit' as kind,
        identifier_types.limit_priority as level,
        identifiers.identifier_type as claim_key,
        coalesce(judged.main_name_key, identifiers.match_value) as claim_value,
        identifier_types.max_values_per_customer as max_values
    from identifiers
    inner join identifier_types
        on identifiers.identifier_type = identifier_types.identifier_type
    inner join judged
        on identifiers.identifier_type = judged.identifier_type
            and identifiers.match_value = judged.match_value
    where identifier_types.max_values_per_customer is not null
        and not judged.is_blocked
        and not judged.is_shared

),

declared as (

    {% for side in ['a', 'b'] %}
    select
        node_{{ side }} as node_id,
        case when kind = 'join' then 'value' else 'separate' end as kind,
        0 as level,
        concat('override|', override_id) as claim_key,
        case when kind = 'join' then '' else '{{ side }}' end as claim_value,
        case when kind = 'join' then 0 else 1 end as max_values
    from overrides
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}

),

collected as (

    select * from values_held
    union all
    select * from limits
    union all
    select * from linked
    union all
    select * from declared

)

select * from collected
