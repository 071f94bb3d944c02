with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

order_versions as (

    select * from {{ ref('stg_shop__order_versions') }}

),

item_versions as (

    select * from {{ ref('stg_shop__order_item_versions') }}
    where refunded_amount > 0

),

told as (

    select
        shop_order_id,
        'status' as told_by,
        min(arrived_on) as told_on
    from order_versions
    where status in ('cancelled', 'refunded')
    group by shop_order_id
    union all
    select
        shop_order_id,
        'items' as told_by,
        min(arrived_on) as told_on
    from item_versions
    group by shop_order_id

),

-- A line has no time of its own: it came back when the order changed that was delivered with it.
followed as (

    select
        told.shop_order_id,
        told.told_by,
        told.told_on,
        min(order_versions.arrived_on) as first_arrived_on,
        max(case when order_versions.status in ('paid', 'refunded') then 1 else 0 end)
            as was_paid,
        min(
            case
                when order_versions.updated_at > order_versions.ordered_at
                    and order_versions.arrived_on >= told.told_on
                    and (
                        told.told_by = 'items'
                        or order_versions.status in ('cancelled', 'refunded')
                    )
                    then order_versions.updated_at
            end
        ) as updated_at
    from told
    inner join order_versions
        on told.shop_order_id = order_versions.shop_order_id
    group by told.shop_order_id, told.told_by, told.told_on

),

-- Without a time of change, the day of delivery is one, if the order had come before.
dated as (

    select
        followed.shop_order_id,
        followed.told_by,
        {{ known_time(
            'coalesce(followed.updated_at, case'
            ~ ' when followed.told_on > followed.first_arrived_on'
            ~ ' then cast(followed.told_on as ' ~ dbt.type_timestamp() ~ ') end)',
            'clock.as_of'
        ) }} as corrected_at
    from followed
    cross join clock
    where followed.was_paid = 1

),

corrected as (

    select
        concat('shop:', shop_order_id) as order_id,
        max(case when told_by = 'status' then corrected_at end) as taken_back_at,
        max(case when told_by = 'items' then corrected_at end) as sent_back_at
    from dated
    group by shop_order_id

)

select * from corrected
