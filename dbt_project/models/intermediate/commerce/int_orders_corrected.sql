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
        shop_order_id,
        told_by,
        coalesce(
            updated_at,
            case
                when told_on > first_arrived_on
                    then cast(told_on as {{ dbt.type_timestamp() }})
            end
        ) as corrected_at
    from followed
    where was_paid = 1

),

corrected as (

    select
        concat('shop:', dated.shop_order_id) as order_id,
        max(
            case
                when dated.told_by = 'status'
                    then {{ known_time('dated.corrected_at', 'clock.as_of') }}
            end
        ) as taken_back_at,
        max(
            case
                when dated.told_by = 'items'
                    then {{ known_time('dated.corrected_at', 'clock.as_of') }}
            end
        ) as sent_back_at
    from dated
    cross join clock
    group by dated.shop_order_id

)

select * from corrected
