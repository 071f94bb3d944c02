{%- set count_required = 50 -%}

with

second_purchase_curve as (

    select * from {{ ref('second_purchase_curve') }}

),

-- The elbow: the day on which the curve stands furthest above a straight line.
ranked as (

    select
        *,
        row_number() over (
            partition by segment_type, segment
            order by share_of_second_purchases - day / 365.0 desc, day
        ) as elbow_rank
    from second_purchase_curve

),

measured as (

    select
        segment_type,
        segment,
        max(count_followed) as count_first_purchases,
        min(count_followed) as count_first_purchases_followed_365d,
        sum(count_purchased) as count_second_purchases,
        max(case when day = 365 then share_purchased end) as share_purchased_365d,
        max(case when day = 10 then share_of_second_purchases end)
            as share_within_10_days,
        min(case when share_of_second_purchases >= 0.5 then day end) as median_days,
        min(case when share_of_second_purchases >= 0.95 then day end) as day_95,
        max(case when elbow_rank = 1 then day end) as elbow_day
    from ranked
    group by segment_type, segment

),

judged as (

    select
        *,
        count_second_purchases >= {{ count_required }} as is_frequent,
        count_second_purchases >= {{ count_required }}
        and share_purchased_365d is not null as is_reliable
    from measured

),

whole_shop as (

    select
        case when is_reliable then elbow_day else 30 end as w2_days,
        case when is_reliable then day_95 else 180 end as w95_days
    from judged
    where segment_type = 'all'

),

chosen as (

    select
        judged.segment_type,
        judged.segment,
        case when judged.is_reliable then judged.elbow_day else whole_shop.w2_days end
            as w2_days,
        case when judged.is_reliable then judged.day_95 else whole_shop.w95_days end
            as w95_days,
        cast(judged.median_days as {{ type_double() }}) as median_days,
        judged.share_within_10_days,
        judged.share_purchased_365d,
        cast(judged.count_first_purchases as {{ dbt.type_bigint() }})
            as count_first_purchases,
        cast(judged.count_first_purchases_followed_365d as {{ dbt.type_bigint() }})
            as count_first_purchases_followed_365d,
        cast(judged.count_second_purchases as {{ dbt.type_bigint() }})
            as count_second_purchases,
        judged.is_reliable,
        case
            when judged.is_reliable then 'measured'
            else {{ dbt.concat([
                "case when judged.segment_type = 'all' then 'default: ' "
                "else 'as the whole shop: ' end",
                "case when not judged.is_frequent "
                "then 'fewer than " ~ count_required ~ " second purchases' "
                "else 'too few buyers were watched for a year' end",
            ]) }}
        end as reason
    from judged
    cross join whole_shop

)

select * from chosen
