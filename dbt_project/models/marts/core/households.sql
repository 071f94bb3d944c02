with

customers as (

    select * from {{ ref('customers') }}
    where household_id is not null

),

formed as (

    select * from {{ ref('int_households_formed') }}

),

summed as (

    select
        customers.household_id,
        min(customers.country_code) as country_code,
        min(customers.currency_code) as currency_code,
        cast(sum(customers.net_revenue) as decimal(18, 2)) as net_revenue,
        cast(sum(customers.count_orders) as {{ dbt.type_bigint() }}) as count_orders,
        count(*) as count_members,
        {{ dbt.bool_or('formed.has_several_surnames') }} as has_several_surnames,
        min(customers.first_seen_at) as first_seen_at,
        min(customers.first_ordered_at) as first_ordered_at,
        max(customers.last_ordered_at) as last_ordered_at
    from customers
    inner join formed
        on customers.customer_id = formed.customer_id
    group by customers.household_id

)

select * from summed
