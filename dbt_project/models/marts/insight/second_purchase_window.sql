{%- set count_required = 50 -%}

with

int_second_purchases_observed as (

    select * from {{ ref('int_second_purchases_observed') }}

),

second_purchase_curve as (

    select * from {{ ref('second_purchase_curve') }}

),

measured as (

    select
        count(*) as count_first_purchases,
        count(gap_days) as count_second_purchases,
        {{ percentile('gap_days', 0.5) }} as median_days,
        {{ percentile('gap_days', 0.95) }} as share_95_days,
        {{ count_where('gap_days <= 10') }} * 1.0 / nullif(count(gap_days), 0)
            as share_within_10_days
    from int_second_purchases_observed

),

-- The elbow: the day on which the curve stands furthest above a straight line.
ranked as (

    select
        second_purchase_curve.day,
        row_number() over (
            order by
                second_purchase_curve.count_purchased_until * 1.0
                / nullif(measured.count_second_purchases, 0)
                - second_purchase_curve.day / 365.0 desc,
                second_purchase_curve.day
        ) as rank_number
    from second_purchase_curve
    cross join measured

),

judged as (

    select
        measured.*,
        ranked.day as elbow_day,
        measured.count_second_purchases >= {{ count_required }} as is_reliable
    from measured
    cross join ranked
    where ranked.rank_number = 1

),

chosen as (

    select
        cast(case when is_reliable then elbow_day else 30 end as {{ dbt.type_int() }})
            as w2_days,
        cast(
            case when is_reliable then ceil(share_95_days) else 180 end
            as {{ dbt.type_int() }}
        ) as w95_days,
        cast(share_within_10_days as {{ type_double() }}) as share_within_10_days,
        cast(median_days as {{ type_double() }}) as median_days,
        cast(count_first_purchases as {{ dbt.type_bigint() }}) as count_first_purchases,
        cast(count_second_purchases as {{ dbt.type_bigint() }})
            as count_second_purchases,
        is_reliable,
        case
            when is_reliable then 'measured on first purchases at least a year old'
            else 'default: fewer than {{ count_required }} second purchases'
        end as reason
    from judged

)

select * from chosen
