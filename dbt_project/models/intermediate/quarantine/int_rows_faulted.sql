with

records as (

    select * from {{ ref('int_source_records_keyed') }}

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

draws as (

    select * from {{ ref('int_experiment_draws_followed') }}

),

{% for column in ['email', 'phone'] %}
malformed_{{ column }}s as (

    select
        source,
        {{ dbt.split_part('source_record_key', "':'", 1) }} as table_name,
        'malformed_{{ column }}' as reason,
        substring(source_record_key, {{ dbt.position("':'", 'source_record_key') }} + 1)
            as record_key,
        '{{ column }}' as detail,
        arrived_on
    from records
    where has_malformed_{{ column }}

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
            items.source_order_id,
            '|',
            cast(items.line_number as {{ dbt.type_string() }})
        ) as record_key,
        'order_id' as detail,
        items.arrived_on
    from items
    left join orders
        on items.order_id = orders.order_id
    where orders.order_id is null

),

strangers_draws as (

    select
        'experiments' as source,
        table_name,
        'customer_is_missing' as reason,
        concat(experiment, '|', record_key) as record_key,
        case table_name when 'assignments' then 'customer_id' else 'subscriber_id' end
            as detail,
        arrived_on
    from draws
    where is_unknown

),

unioned as (

    select * from malformed_emails
    union all
    select * from malformed_phones
    union all
    select * from priceless_orders
    union all
    select * from orphaned_items
    union all
    select * from strangers_draws

)

select * from unioned
