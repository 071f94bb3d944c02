{% set reasons = {
    'future_event': 'is_future',
    'duplicate_key': 'is_ambiguous',
    'malformed_email': 'has_malformed_email',
    'malformed_phone': 'has_malformed_phone',
} %}

with

landed as (

    select * from {{ ref('stg_landing__quarantined_rows') }}

),

flagged as (

    select * from {{ ref('int_rows_flagged') }}

),

purchases as (

    select * from {{ ref('int_purchases_validated') }}

),

items as (

    select * from {{ ref('int_order_items_unioned') }}

),

orders as (

    select order_id from {{ ref('int_orders_unioned') }}

),

{% for reason, flag in reasons.items() %}
{{ reason }}s as (

    select
        source,
        table_name,
        '{{ reason }}' as reason,
        record_key,
        cast(null as {{ dbt.type_string() }}) as detail,
        arrived_on
    from flagged
    where {{ flag }}

),

{% endfor %}
priceless_orders as (

    select
        source,
        case source when 'shop' then 'orders' else 'receipts' end as table_name,
        case
            when is_known_currency then 'no_exchange_rate'
            else 'unknown_currency'
        end as reason,
        source_order_id as record_key,
        'currency_code' as detail,
        arrived_on
    from purchases
    where shop_units is null

),

orphaned_items as (

    select
        items.source,
        case items.source when 'shop' then 'order_items' else 'receipt_items' end
            as table_name,
        'order_is_missing' as reason,
        concat(
            items.source_order_id, '|', cast(items.line_number as {{ dbt.type_string() }})
        ) as record_key,
        'order_id' as detail,
        items.arrived_on
    from items
    left join orders
        on orders.order_id = items.order_id
    where orders.order_id is null

),

unioned as (

    select * from landed
    {% for reason in reasons %}
    union all
    select * from {{ reason }}s
    {% endfor %}
    union all
    select * from priceless_orders
    union all
    select * from orphaned_items

)

select * from unioned
