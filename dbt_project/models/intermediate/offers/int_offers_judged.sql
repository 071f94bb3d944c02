with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select customer_id from {{ ref('customers') }}

),

offers as (

    select * from {{ ref('stg_ml__next_offers') }}

),

products as (

    select * from {{ ref('int_products_valued') }}

),

rebuys as (

    select * from {{ ref('int_rebuys_learned') }}

),

last_bought as (

    select
        customer_id,
        product_group,
        occurred_at
    from {{ ref('int_rebuys_followed') }}
    where is_last

),

held as (

    select distinct customer_id from {{ ref('holds') }}
    where is_active

),

-- What cannot be, and what is said of somebody who was merged away, is not passed on.
valid as (

    select
        offers.*,
        row_number() over (
            partition by offers.customer_id, offers.sku
            order by offers.as_of desc, offers.scored_at desc
        ) as newness
    from offers
    inner join customers
        on offers.customer_id = customers.customer_id
    cross join clock
    where offers.as_of <= clock.as_of
        and offers.conversion_probability between 0 and 1

),

joined as (

    select
        valid.*,
        products.margin_amount,
        products.is_cost_known,
        products.kept_share,
        products.stock_quantity,
        coalesce(products.is_active, false) as is_active,
        coalesce(rebuys.is_durable, false) as is_durable,
        last_bought.occurred_at as last_bought_at,
        held.customer_id is not null as is_held,
        case
            when last_bought.occurred_at is not null and not rebuys.is_durable
                then {{ add_days('last_bought.occurred_at', 'rebuys.quarantine_days') }}
        end as offered_from,
        clock.as_of as judged_at
    from valid
    cross join clock
    left join products
        on valid.sku = products.sku
    left join rebuys
        on valid.sku = rebuys.sku
    left join last_bought
        on valid.customer_id = last_bought.customer_id
            and rebuys.product_group = last_bought.product_group
    left join held
        on valid.customer_id = held.customer_id
    where valid.newness = 1

),

judged as (

    select
        *,
        conversion_probability * margin_amount * kept_share as priority_amount,
        case
            when is_held then 'held'
            when not is_active then 'not_active'
            when stock_quantity <= 0 then 'sold_out'
            when is_durable and last_bought_at is not null then 'owned'
            when offered_from > judged_at then 'just_bought'
            when margin_amount is null then 'no_price'
            when margin_amount <= 0 then 'no_margin'
        end as refused_because
    from joined

)

select * from judged
