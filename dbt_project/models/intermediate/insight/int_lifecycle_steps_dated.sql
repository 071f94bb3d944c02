with

customers as (

    select * from {{ ref('customers') }}
    where not is_test

),

timelines as (

    select * from {{ ref('int_purchase_timelines_dated') }}

),

purchases as (

    select * from {{ ref('int_purchase_states_replayed') }}

),

fell_silent as (

    select * from {{ ref('int_purchase_silences_dated') }}

),

firsts as (

    select
        customer_id,
        timeline_number,
        occurred_at
    from purchases
    where occasion_number = 1

),

spread as (

    select
        customers.customer_id,
        coalesce(timelines.timeline_number, 0) as timeline_number,
        customers.first_seen_at,
        case
            when customers.has_contact_data then 'lead'
            else 'visitor'
        end as stage
    from customers
    left join timelines
        on customers.customer_id = timelines.customer_id

),

met as (

    select
        spread.customer_id,
        spread.timeline_number,
        spread.first_seen_at as occurred_at,
        spread.stage,
        cast(null as {{ type_double() }}) as days,
        cast(null as {{ dbt.type_string() }}) as rule_version,
        cast(null as {{ dbt.type_timestamp() }}) as last_ordered_at
    from spread
    left join firsts
        on spread.customer_id = firsts.customer_id
            and spread.timeline_number = firsts.timeline_number
    where firsts.customer_id is null
        or spread.first_seen_at < firsts.occurred_at

),

bought as (

    select
        customer_id,
        timeline_number,
        occurred_at,
        stage_after as stage,
        cast(null as {{ type_double() }}) as days,
        rule_version,
        occurred_at as last_ordered_at
    from purchases

),

unioned as (

    select * from met
    union all
    select * from bought
    union all
    select * from fell_silent

)

select * from unioned
