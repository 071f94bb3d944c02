with

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}

),

identifier_types as (

    select * from {{ ref('identity_identifier_types') }}

),

blocked_values as (

    select * from {{ ref('identity_blocked_values') }}

),

counted as (

    select
        identifier_type,
        identifier_value,
        count(*) as count_records,
        count(distinct name_key) as count_names,
        count(distinct shop_customer_id) as count_accounts,
        -- The name on the most trusted record: records without a name go to that person.
        min(concat(cast(trust_rank as {{ dbt.type_string() }}), name_key)) as ranked_name
    from identifiers
    group by
        identifier_type,
        identifier_value

),

blocked as (

    select distinct
        counted.identifier_type,
        counted.identifier_value
    from counted
    inner join blocked_values
        on blocked_values.identifier_type = counted.identifier_type
        and lower(counted.identifier_value) like blocked_values.pattern

),

judged as (

    select
        counted.identifier_type,
        counted.identifier_value,
        counted.count_records,
        counted.count_names,
        counted.count_accounts,
        substring(counted.ranked_name, 2) as main_name_key,
        blocked.identifier_value is not null as is_blocked,
        coalesce(
            greatest(counted.count_names, counted.count_accounts)
            > identifier_types.max_holders_per_value,
            false
        ) as is_shared,
        identifier_types.is_joining as is_joining_type
    from counted
    inner join identifier_types
        on identifier_types.identifier_type = counted.identifier_type
    left join blocked
        on blocked.identifier_type = counted.identifier_type
        and blocked.identifier_value = counted.identifier_value

)

select * from judged
