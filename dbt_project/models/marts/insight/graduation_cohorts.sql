with

observed as (

    select * from {{ ref('int_second_purchases_observed') }}

),

purchase_rhythm as (

    select * from {{ ref('purchase_rhythm') }}

),

second_purchase_window as (

    select * from {{ ref('second_purchase_window') }}

),

judged as (

    select
        cast({{ dbt.date_trunc('month', 'observed.first_ordered_at') }} as date)
            as cohort_month,
        observed.followed_days >= second_purchase_window.w95_days as is_over,
        coalesce(observed.gap_day <= second_purchase_window.w95_days, false)
            as has_second,
        purchase_rhythm.overdue_ratio <= purchase_rhythm.lapse_ratio as is_alive
    from observed
    inner join purchase_rhythm on observed.customer_id = purchase_rhythm.customer_id
    cross join second_purchase_window

),

counted as (

    select
        cohort_month,
        cast(count(*) as {{ dbt.type_bigint() }}) as count_first_purchases,
        {{ count_where('has_second') }} as count_second_in_window,
        {{ count_where('has_second and is_alive') }} as count_graduated,
        min(case when is_over then 1 else 0 end) = 1 as is_mature
    from judged
    group by cohort_month

),

rated as (

    select
        cohort_month,
        count_first_purchases,
        count_second_in_window,
        count_graduated,
        is_mature,
        case
            when is_mature
                then
                    cast(count_graduated as {{ type_double() }})
                    / count_first_purchases
        end as graduation_rate
    from counted

)

select * from rated
