with

draws as (

    select * from {{ ref('stg_experiments__assignments') }}

),

customers as (

    select distinct customer_id
    from {{ ref('int_customer_assignments_recorded') }}
    where valid_to_run is null

),

aliases as (

    select * from {{ ref('customer_aliases') }}

),

-- Whose draw it is was known when it was made, or when the id was retired for another.
followed as (

    select
        draws.experiment,
        draws.assigned_customer_id,
        coalesce(customers.customer_id, aliases.customer_id) as customer_id,
        draws.variant,
        draws.assigned_at,
        draws.arrived_on,
        {{ later_of(
            'draws.assigned_at', 'coalesce(aliases.retired_at, draws.assigned_at)'
        ) }} as known_at,
        customers.customer_id is null
        and aliases.former_customer_id is null as is_unknown
    from draws
    left join customers
        on draws.assigned_customer_id = customers.customer_id
    left join aliases
        on draws.assigned_customer_id = aliases.former_customer_id

)

select * from followed
