with

steps as (

    select * from {{ ref('int_session_steps_taken') }}

),

final as (

    select
        session_id,
        cast(step_number as {{ dbt.type_bigint() }}) as step_number,
        occurred_at,
        case when is_open then clock_at else occurred_at end as as_of,
        is_open as is_current,
        platform,
        device_type,
        channel_group,
        cast({{ to_local_hour('occurred_at') }} as {{ dbt.type_bigint() }})
            as local_hour,
        action as last_action,
        category as last_category,
        previous_action,
        cast(seconds_since_previous as {{ dbt.type_bigint() }})
            as seconds_since_previous,
        cast(seconds_since_start as {{ dbt.type_bigint() }}) as seconds_since_start,
        cast(count_page_views as {{ dbt.type_bigint() }}) as count_page_views,
        cast(count_product_views as {{ dbt.type_bigint() }}) as count_product_views,
        cast(count_searches as {{ dbt.type_bigint() }}) as count_searches,
        cast(count_carts as {{ dbt.type_bigint() }}) as count_carts
    from steps

)

select * from final
