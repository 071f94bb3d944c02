{%- set count_required = 50 -%}
{%- set share_required = 0.1 -%}

with

counted as (

    select * from {{ ref('int_second_purchases_counted') }}

),

rated as (

    select
        *,
        cast(count_purchased as {{ type_double() }}) / nullif(count_at_risk, 0)
            as share_of_day
    from counted

),

-- Share of those who may still buy that does not, day by day (Kaplan-Meier), and its
-- relative variance (Greenwood). Where all of them buy, nobody is left: e to the -100.
survived as (

    select
        segment_type,
        segment,
        day,
        count_followed,
        count_at_risk,
        count_purchased,
        exp(
            sum(
                case
                    when share_of_day < 1 then ln(1 - share_of_day)
                    when share_of_day = 1 then -100
                end
            ) over (
                partition by segment_type, segment
                order by day rows between unbounded preceding and current row
            )
        ) as share_not_purchased,
        sum(share_of_day / nullif(count_at_risk - count_purchased, 0)) over (
            partition by segment_type, segment
            order by day rows between unbounded preceding and current row
        ) as relative_variance,
        count_at_risk >= {{ count_required }}
        and count_followed >= {{ share_required }} * max(count_followed) over (
            partition by segment_type, segment
        ) as is_mature
    from rated

),

curved as (

    select
        segment_type,
        segment,
        day,
        cast(count_followed as {{ dbt.type_bigint() }}) as count_followed,
        cast(count_at_risk as {{ dbt.type_bigint() }}) as count_at_risk,
        cast(count_purchased as {{ dbt.type_bigint() }}) as count_purchased,
        is_mature,
        case when is_mature then round(1 - share_not_purchased, 6) end
            as share_purchased,
        case
            when is_mature
                then round(share_not_purchased * sqrt(relative_variance), 6)
        end as standard_error
    from survived

),

-- Of those who buy again within a year; unknown while too few were watched for one.
related as (

    select
        *,
        round(
            share_purchased
            / nullif(max(case when day = 365 then share_purchased end) over (
                partition by segment_type, segment
            ), 0), 6
        ) as share_of_second_purchases
    from curved

)

select * from related
