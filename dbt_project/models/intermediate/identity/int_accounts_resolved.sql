with

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}
    where identifier_type = 'shop_customer'

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

-- The records of an account are one customer, unless the account is a placeholder.
accounts as (

    select
        identifiers.identifier_value as shop_customer_id,
        min(resolved.customer_id) as customer_id
    from identifiers
    inner join resolved
        on identifiers.node_id = resolved.node_id
    group by identifiers.identifier_value
    having min(resolved.customer_id) = max(resolved.customer_id)

)

select * from accounts
