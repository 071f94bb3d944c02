with

customers as (

    select * from {{ ref('customers') }}
    where not is_test

),

purchases as (

    select * from {{ ref('int_purchase_states_replayed') }}

),

feed as (

    select * from {{ ref('int_purchase_feeds_checked') }}

),

firsts as (

    select
        customer_id,
        occurred_at
    from purchases
    where occasion_number = 1

),

met as (

    select
        customers.customer_id,
        customers.first_seen_at as occurred_at,
        case
            when coalesce(customers.email, customers.phone, customers.street) is null
                then 'visitor'
            else 'lead'
        end as stage,
        cast(null as {{ type_double() }}) as days,
        cast(null as {{ dbt.type_string() }}) as rule_version
    from customers
    left join firsts
        on customers.customer_id = firsts.customer_id
    where firsts.customer_id is null
        or customers.first_seen_at < firsts.occurred_at

),

bought as (

    select
        customer_id,
        occurred_at,
        stage_after as stage,
        cast(null as {{ type_double() }}) as days,
        rule_version
    from purchases

),

silences as (

    select
        customer_id,
        next_occurred_at,
        rule_version,
        {{ add_days('occurred_at', 'risk_days') }} as occurred_at,
        'at_risk' as stage,
        risk_days as days
    from purchases
    where risk_days < lapse_days
    union all
    select
        customer_id,
        next_occurred_at,
        rule_version,
        {{ add_days('occurred_at', 'lapse_days') }} as occurred_at,
        case
            when stage_after = 'new_customer' then 'one_time_lapsed'
            else 'lapsed'
        end as stage,
        lapse_days as days
    from purchases

),

-- Silence counts only as far as purchases are known, and until the next one.
fell_silent as (

    select
        silences.customer_id,
        silences.occurred_at,
        silences.stage,
        cast(silences.days as {{ type_double() }}) as days,
        silences.rule_version
    from silences
    cross join feed
    where silences.occurred_at < feed.known_until
        and (
            silences.next_occurred_at is null
            or silences.occurred_at < silences.next_occurred_at
        )

),

unioned as (

    select * from met
    union all
    select * from bought
    union all
    select * from fell_silent

)

select * from unioned
