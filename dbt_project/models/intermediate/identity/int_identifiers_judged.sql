{% set trust_rank = 'cast(records.trust_rank as ' ~ dbt.type_string() ~ ')' %}

with

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}

),

records as (

    select * from {{ ref('int_source_records_keyed') }}

),

identifier_types as (

    select * from {{ ref('identity_identifier_types') }}

),

blocked_values as (

    select * from {{ ref('identity_blocked_values') }}

),

counted as (

    select
        identifiers.identifier_type,
        identifiers.match_value,
        count(*) as count_records,
        count(distinct records.name_key) as count_names,
        count(distinct records.shop_customer_id) as count_accounts,
        -- The name on the most trusted record: records without a name go to that person.
        min(
            case
                when records.name_key is not null
                    then concat({{ trust_rank }}, records.name_key)
            end
        ) as ranked_name
    from identifiers
    inner join records
        on identifiers.node_id = records.node_id
    group by
        identifiers.identifier_type,
        identifiers.match_value

),

blocked as (

    select distinct
        counted.identifier_type,
        counted.match_value
    from counted
    inner join blocked_values
        on counted.identifier_type = blocked_values.identifier_type
            and lower(counted.match_value) like blocked_values.pattern
    union
    -- Nobody's number is that long: a field was filled with something else.
    select
        identifier_type,
        match_value
    from counted
    where length(match_value) > 254

),

judged as (

    select
        counted.identifier_type,
        counted.match_value,
        counted.count_records,
        counted.count_names,
        counted.count_accounts,
        substring(counted.ranked_name, 2) as main_name_key,
        blocked.match_value is not null as is_blocked,
        coalesce(
            greatest(counted.count_names, counted.count_accounts)
            > identifier_types.max_holders_per_value,
            false
        )
        or coalesce(
            counted.count_records > identifier_types.max_records_per_value, false
        ) as is_shared,
        identifier_types.is_joining,
        identifier_types.is_identifying
    from counted
    inner join identifier_types
        on counted.identifier_type = identifier_types.identifier_type
    left join blocked
        on counted.identifier_type = blocked.identifier_type
            and counted.match_value = blocked.match_value

)

select * from judged
