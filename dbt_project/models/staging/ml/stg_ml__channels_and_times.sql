with

source as (

    select * from {{ source('ml', 'channel_and_time') }}

),

renamed as (

    select
        customer_id,
        model_name,
        model_version,
        horizon_days,
        best_hour,
        hour_probability,
        shop_hour,
        shop_hour_probability,
        is_hour_personal,
        count_hour_answers,
        best_weekday,
        weekday_probability,
        shop_weekday,
        shop_weekday_probability,
        is_weekday_personal,
        count_weekday_answers,
        best_channel,
        channel_probability,
        shop_channel,
        shop_channel_probability,
        is_channel_personal,
        count_channel_answers,
        as_of,
        scored_at
    from source

)

select * from renamed
