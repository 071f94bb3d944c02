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
        min(case when occasion_number = 2 then occurred_at end) as second_ordered_at,
        max(case when occasion_number = 1 then first_category end) as first_category,
        max(case when occasion_number = 1 then sales_channel end) as first_channel
    from int_purchase_occasions
    group by customer_id

),

timed as (

    select
        paired.*,
        {{ elapsed_days('paired.first_ordered_at', 'clock.as_of') }} as known_days,
        {{ elapsed_days('paired.first_ordered_at', 'paired.second_ordered_at') }}
            as gap_days
    from paired
    cross join clock

),

-- Only days that are over are watched; a second purchase counts from the day it falls into.
followed as (

    select
        *,
        cast(
            case when known_days >= 365 then 365 else floor(known_days) end
            as {{ dbt.type_int() }}
        ) as followed_days,
        cast(ceil(gap_days) as {{ dbt.type_int() }}) as gap_day
    from timed

),

observed as (

    select
        customer_id,
        first_category,
        first_channel,
        first_ordered_at,
        followed_days,
        case when gap_day <= followed_days then second_ordered_at end
            as second_ordered_at,
        case when gap_day <= followed_days then gap_day end as gap_day
    from followed

)

select * from observed
