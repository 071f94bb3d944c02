with

judged as (

    select * from {{ ref('int_identifiers_judged') }}

),

held as (

    select * from {{ ref('int_identity_values_held') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

-- One holder's value on records of two customers: joining them would have broken a limit.
refused as (

    select
        held.identifier_type,
        held.match_value,
        held.holder,
        count(distinct resolved.customer_id) as count_customers
    from held
    inner join resolved
        on held.node_id = resolved.node_id
    group by
        held.identifier_type,
        held.match_value,
        held.holder
    having min(resolved.customer_id) < max(resolved.customer_id)

),

refused_values as (

    select
        identifier_type,
        match_value,
        max(count_customers) as count_customers
    from refused
    group by
        identifier_type,
        match_value

),

excluded as (

    select
        judged.identifier_type,
        judged.match_value,
        case
            when judged.is_blocked then 'placeholder'
            when judged.is_shared then 'crowded'
            else 'refused'
        end as reason,
        judged.count_records,
        judged.count_names,
        judged.count_accounts,
        refused_values.count_customers
    from judged
    left join refused_values
        on judged.identifier_type = refused_values.identifier_type
            and judged.match_value = refused_values.match_value
    where judged.is_joining
        and (
            judged.is_blocked
            or judged.is_shared
            or refused_values.match_value is not null
        )

),

-- The values themselves are personal; who has one can find its row by hashing it.
final as (

    select
        {{ dbt.hash("concat(identifier_type, ':', match_value)") }}
            as excluded_identifier_id,
        identifier_type,
        reason,
        cast(count_records as {{ dbt.type_bigint() }}) as count_records,
        cast(count_names as {{ dbt.type_bigint() }}) as count_names,
        cast(count_accounts as {{ dbt.type_bigint() }}) as count_accounts,
        cast(coalesce(count_customers, 0) as {{ dbt.type_bigint() }}) as count_customers
    from excluded

)

select * from final
