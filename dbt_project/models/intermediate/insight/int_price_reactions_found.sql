{#- How long after a price drop a look at the product is taken for an answer to it. -#}
{%- set answer_days = 7 -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

watched as (

    select
        customer_id,
        sku,
        occurred_at,
        {{ dbt.dateadd('day', answer_days, 'occurred_at') }} as answered_until
    from {{ ref('int_moments_watched') }}
    where moment = 'price_dropped'

),

events as (

    select
        customer_id,
        event_type,
        sku,
        page_path,
        occurred_at
    from {{ ref('events') }}
    where customer_id is not null
        and event_type in ('product_view', 'search')

),

answered as (

    select
        watched.customer_id,
        watched.occurred_at,
        watched.answered_until,
        count(events.customer_id) > 0 as is_reaction
    from watched
    left join events
        on watched.customer_id = events.customer_id
            and watched.sku = events.sku
            and events.event_type = 'product_view'
            and watched.occurred_at <= events.occurred_at
            and watched.answered_until > events.occurred_at
    group by
        watched.customer_id,
        watched.sku,
        watched.occurred_at,
        watched.answered_until

),

-- Whoever searches for a coupon reacts to prices; that somebody does not is nothing to be seen.
searched as (

    select distinct
        events.customer_id,
        {{ to_local_date('events.occurred_at') }} as searched_date
    from events
    where events.event_type = 'search'
        and {{ matches_pattern(
            'lower(events.page_path)', 'coupon|voucher|gutschein|rabatt|promo'
        ) }}

),

unioned as (

    select
        answered.customer_id,
        answered.is_reaction
    from answered
    cross join clock
    where answered.is_reaction
        or answered.answered_until <= clock.as_of
    union all
    select
        customer_id,
        true as is_reaction
    from searched

)

select * from unioned
