{#- How long after a price drop a look at the product is taken for an answer to it. -#}
{%- set answer_days = 7 -%}

with

watched as (

    select * from {{ ref('int_moments_watched') }}
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

-- A price drop without an answer says nothing: perhaps nobody told the customer of it.
unioned as (

    select
        watched.customer_id,
        'price_drop_answered' as reaction,
        {{ to_local_date('watched.occurred_at') }} as reaction_date
    from watched
    inner join events
        on watched.customer_id = events.customer_id
            and watched.sku = events.sku
            and events.event_type = 'product_view'
            and watched.occurred_at <= events.occurred_at
            and {{ dbt.dateadd('day', answer_days, 'watched.occurred_at') }}
            > events.occurred_at
    union all
    select
        customer_id,
        'coupon_searched' as reaction,
        {{ to_local_date('occurred_at') }} as reaction_date
    from events
    where event_type = 'search'
        and {{ matches_pattern(
            'lower(page_path)', 'coupon|voucher|gutschein|rabatt|promo'
        ) }}

),

-- Several on one day are one.
found as (

    select distinct
        customer_id,
        reaction,
        reaction_date
    from unioned

)

select * from found
