{%- set count_required = 50 -%}

with

int_second_purchases_observed as (

    select * from {{ ref('int_second_purchases_observed') }}

),

series as (

    {{ dbt.generate_series(365) }}

),

days as (

    select cast(generated_number as {{ dbt.type_int() }}) as day from series

),

cohort as (

    select count(*) as count_first_purchases from int_second_purchases_observed

),

purchased as (

    select
        cast(ceil(gap_days) as {{ dbt.type_int() }}) as day,
        count(*) as count_purchased
    from int_second_purchases_observed
    where gap_days is not null
    group by cast(ceil(gap_days) as {{ dbt.type_int() }})

),

accumulated as (

    select
        days.day,
        cohort.count_first_purchases,
        coalesce(purchased.count_purchased, 0) as count_purchased,
        sum(coalesce(purchased.count_purchased, 0)) over (
            order by days.day rows between unbounded preceding and current row
        ) as count_purchased_until
    from days
    cross join cohort
    left join purchased on purchased.day = days.day

),

at_risk as (

    select
        *,
        count_first_purchases - count_purchased_until + count_purchased as count_at_risk
    from accumulated

),

-- Everybody is watched for the whole year, so the product of the daily survival
-- shares (Kaplan-Meier) is the plain share that has not bought again.
curved as (

    select
        day,
        cast(count_at_risk as {{ dbt.type_bigint() }}) as count_at_risk,
        cast(count_purchased as {{ dbt.type_bigint() }}) as count_purchased,
        cast(count_purchased_until as {{ dbt.type_bigint() }}) as count_purchased_until,
        count_at_risk >= {{ count_required }} as is_mature,
        case
            when count_at_risk >= {{ count_required }}
                then
                    count_purchased_until
                    / cast(count_first_purchases as {{ type_double() }})
        end as share_purchased
    from at_risk

)

select * from curved
