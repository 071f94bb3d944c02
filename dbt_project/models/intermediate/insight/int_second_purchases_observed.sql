with

int_purchase_occasions as (

    select * from {{ ref('int_purchase_occasions') }}

),

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

paired as (

    select
        customer_id,
        min(case when occasion_number = 1 then occurred_at end) as first_ordered_at,
        min(case when occasion_number = 2 then occurred_at end) as second_ordered_at
    from int_purchase_occasions
    group by customer_id

),

-- Younger cohorts show only their quick second purchases and would fake a short window.
mature as (

    select
        paired.customer_id,
        paired.first_ordered_at,
        paired.second_ordered_at,
        {{ elapsed_days('paired.first_ordered_at', 'paired.second_ordered_at') }}
            as gap_days
    from paired
    cross join clock
    where paired.first_ordered_at <= {{ dbt.dateadd('day', -365, 'clock.as_of') }}

),

observed as (

    select
        customer_id,
        first_ordered_at,
        case when gap_days <= 365 then second_ordered_at end as second_ordered_at,
        case when gap_days <= 365 then gap_days end as gap_days
    from mature

)

select * from observed
