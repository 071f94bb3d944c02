with

segments as (

    select * from {{ ref('second_purchase_segments') }}

),

final as (

    select
        w2_days,
        w95_days,
        share_within_10_days,
        median_days,
        count_first_purchases,
        count_second_purchases,
        is_reliable,
        reason
    from segments
    where segment_type = 'all'

)

select * from final
