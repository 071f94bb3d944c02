-- Every customer with a household is a member of exactly one, with all their revenue.
with

households as (

    select
        coalesce(sum(count_members), 0) as count_members,
        coalesce(sum(net_revenue), 0) as net_revenue
    from {{ ref('households') }}

),

customers as (

    select
        count(*) as count_members,
        coalesce(sum(net_revenue), 0) as net_revenue
    from {{ ref('customers') }}
    where household_id is not null

)

select
    households.count_members,
    customers.count_members as count_customers
from households
cross join customers
where households.count_members <> customers.count_members
    or households.net_revenue <> customers.net_revenue
