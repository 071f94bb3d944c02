with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

purchase_occasions as (

    select * from {{ ref('int_purchase_occasions') }}

),

purchase_rhythm as (

    select * from {{ ref('purchase_rhythm') }}
    where overdue_ratio > risk_ratio
        and count_orders > 1

),

numbers as (

    {{ dbt.generate_series(3) }}

),

first_purchases as (

    select
        purchase_occasions.*,
        {{ to_local_date('purchase_occasions.occurred_at') }} as first_date,
        {{ to_local_date('clock.as_of') }} as current_date_of_shop
    from purchase_occasions
    cross join clock
    where purchase_occasions.occasion_number = 1

),

-- The anniversaries of this year and of the two before; older ones are history.
anniversaries as (

    select
        first_purchases.*,
        {{ dbt.datediff('first_date', 'current_date_of_shop', 'year') }} + 1
        - numbers.generated_number as count_years
    from first_purchases
    cross join numbers

),

dated as (

    select
        anniversaries.*,
        {{ start_of_day(dbt.dateadd('year', 'count_years', 'first_date')) }}
            as anniversary_at
    from anniversaries
    where count_years > 0

),

unioned as (

    select
        customer_id,
        'first_purchase' as moment,
        purchase_occasion_id as entry_key,
        purchase_occasion_id,
        occurred_at,
        occurred_at as detected_at
    from first_purchases
    union all
    select
        customer_id,
        'purchase_anniversary' as moment,
        concat(purchase_occasion_id, '|', {{ as_text('count_years') }}) as entry_key,
        purchase_occasion_id,
        anniversary_at as occurred_at,
        anniversary_at as detected_at
    from dated
    union all
    select
        purchase_rhythm.customer_id,
        'cadence_overdue' as moment,
        purchase_occasions.purchase_occasion_id as entry_key,
        purchase_occasions.purchase_occasion_id,
        purchase_rhythm.last_ordered_at as occurred_at,
        {{ add_days('purchase_rhythm.last_ordered_at', 'purchase_rhythm.risk_days') }}
            as detected_at
    from purchase_rhythm
    inner join purchase_occasions
        on purchase_rhythm.customer_id = purchase_occasions.customer_id
            and purchase_rhythm.count_orders = purchase_occasions.occasion_number

),

purchased as (

    select
        customer_id,
        moment,
        entry_key,
        occurred_at,
        detected_at,
        concat('orders:', purchase_occasion_id) as evidence
    from unioned

)

select * from purchased
