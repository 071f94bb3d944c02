with

draws as (

    select * from {{ ref('stg_experiments__assignments') }}

),

draws_of_subscribers as (

    select * from {{ ref('stg_experiments__subscriber_assignments') }}

),

records as (

    select * from {{ ref('int_customers_resolved') }}
    where source = 'mail'

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
        'assignments' as table_name,
        draws.assigned_customer_id as record_key,
        draws.experiment,
        draws.assigned_customer_id,
        coalesce(customers.customer_id, aliases.customer_id) as customer_id,
        draws.variant,
        draws.assigned_at,
        draws.contact_cost,
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

),

-- A subscriber is a record, and a record is whoever it belongs to today.
resolved as (

    select
        'subscriber_assignments' as table_name,
        draws_of_subscribers.mail_subscriber_id as record_key,
        draws_of_subscribers.experiment,
        records.customer_id as assigned_customer_id,
        records.customer_id,
        draws_of_subscribers.variant,
        draws_of_subscribers.assigned_at,
        draws_of_subscribers.contact_cost,
        draws_of_subscribers.arrived_on,
        draws_of_subscribers.assigned_at as known_at,
        records.customer_id is null as is_unknown
    from draws_of_subscribers
    left join records
        on
            records.source_record_key
            = concat('subscribers:', draws_of_subscribers.mail_subscriber_id)

),

unioned as (

    select * from followed
    union all
    select * from resolved

)

select * from unioned
