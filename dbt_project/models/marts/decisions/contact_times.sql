with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select * from {{ ref('customers') }}

),

channels_and_times as (

    select * from {{ ref('stg_ml__channels_and_times') }}

),

-- What cannot be, and what is said of somebody who was merged away, is not passed on.
valid as (

    select
        channels_and_times.*,
        row_number() over (
            partition by channels_and_times.customer_id
            order by channels_and_times.as_of desc, channels_and_times.scored_at desc
        ) as newness
    from channels_and_times
    inner join customers
        on channels_and_times.customer_id = customers.customer_id
    cross join clock
    where
        channels_and_times.as_of <= clock.as_of
        and channels_and_times.best_hour between 0 and 23

),

final as (

    select
        customer_id,
        model_name,
        cast(best_hour as {{ dbt.type_bigint() }}) as best_hour,
        case when is_hour_personal then 'personal' else 'shop' end as hour_source,
        cast(hour_probability as {{ type_double() }}) as hour_probability,
        cast(shop_hour as {{ dbt.type_bigint() }}) as shop_hour,
        cast(shop_hour_probability as {{ type_double() }})
            as shop_hour_probability,
        cast(count_hour_answers as {{ dbt.type_bigint() }}) as count_hour_answers,
        best_weekday,
        case when is_weekday_personal then 'personal' else 'shop' end as weekday_source,
        cast(weekday_probability as {{ type_double() }}) as weekday_probability,
        shop_weekday,
        cast(shop_weekday_probability as {{ type_double() }})
            as shop_weekday_probability,
        cast(count_weekday_answers as {{ dbt.type_bigint() }}) as count_weekday_answers,
        best_channel,
        case when is_channel_personal then 'personal' else 'shop' end as channel_source,
        cast(channel_probability as {{ type_double() }}) as channel_probability,
        shop_channel,
        cast(shop_channel_probability as {{ type_double() }})
            as shop_channel_probability,
        cast(count_channel_answers as {{ dbt.type_bigint() }}) as count_channel_answers,
        model_version,
        as_of,
        scored_at
    from valid
    where newness = 1

)

select * from final
