with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

int_purchase_occasions as (

    select * from {{ ref('int_purchase_occasions') }}

),

series as (

    {{ dbt.generate_series(5) }}

),

steps as (

    select cast(generated_number - 1 as {{ dbt.type_int() }}) as step_number
    from series

),

dated as (

    select
        {{ dbt.dateadd('day', '-90 * steps.step_number', 'clock.as_of') }} as as_of,
        steps.step_number = 0 as is_current
    from clock
    cross join steps

),

objections as (

    select * from {{ ref('profiling_objections') }}

),

first_purchases as (

    select
        customer_id,
        min(occurred_at) as first_ordered_at
    from int_purchase_occasions
    group by customer_id

),

history as (

    select min(first_ordered_at) as starts_at from first_purchases

),

-- With less than half a year behind it a past date says little about how people buy.
chosen as (

    select
        dated.as_of,
        dated.is_current
    from dated
    cross join history
    where
        dated.is_current
        or history.starts_at <= {{ dbt.dateadd('day', -180, 'dated.as_of') }}

),

spined as (

    select
        first_purchases.customer_id,
        chosen.as_of,
        chosen.is_current
    from first_purchases
    inner join chosen on chosen.as_of > first_purchases.first_ordered_at
    left join objections
        on first_purchases.customer_id = objections.customer_id
    where objections.customer_id is null

)

select * from spined
