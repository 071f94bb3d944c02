with

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

-- All records of an account are one customer, unless the account itself is a placeholder.
accounts as (

    select
        identifiers.identifier_value as shop_customer_id,
        min(resolved.customer_id) as customer_id
    from identifiers
    inner join resolved
        on resolved.source = identifiers.source
        and resolved.source_record_key = identifiers.source_record_key
    where identifiers.identifier_type = 'shop_customer'
    group by identifiers.identifier_value
    having count(distinct resolved.customer_id) = 1

)

select * from accounts
