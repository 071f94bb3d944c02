{#- By type: the identifier as it is shown, and the value that has to be equal to match. -#}
{% set columns = {
    'shop_customer': ['shop_customer_id', 'shop_customer_id'],
    'crm_contact': ['crm_contact_id', 'crm_contact_id'],
    'loyalty_card': ['loyalty_card_id', 'loyalty_card_id'],
    'mail_subscriber': ['mail_subscriber_id', 'mail_subscriber_id'],
    'push_token': ['push_token', 'push_token'],
    'email': ['email', 'mailbox'],
    'phone': ['phone', 'phone'],
    'device': ['device_id', 'device_id'],
    'address': ['household_key', 'household_key'],
} %}

with

records as (

    select * from {{ ref('int_source_records_keyed') }}

),

logins as (

    select * from {{ ref('int_device_logins_found') }}

),

{% for identifier_type, (shown, matched) in columns.items() %}
{{ identifier_type }}_values as (

    select
        node_id,
        '{{ identifier_type }}' as identifier_type,
        {{ shown }} as identifier_value,
        {{ matched }} as match_value,
        seen_at as first_seen_at,
        updated_at as last_seen_at
    from records
    where {{ shown }} is not null

),

{% endfor %}
login_values as (

    select
        records.node_id,
        'device' as identifier_type,
        logins.device_id as identifier_value,
        logins.device_id as match_value,
        logins.first_seen_at,
        logins.last_seen_at
    from logins
    inner join records
        on logins.shop_customer_id = records.shop_customer_id
            and records.source_record_key like 'customers:%'

),

cases as (

    select distinct shop_order_id
    from records
    where source = 'helpdesk'
        and shop_order_id is not null

),

-- Who asks about an order is taken for the one who placed it.
case_values as (

    select
        records.node_id,
        'order' as identifier_type,
        records.shop_order_id as identifier_value,
        records.shop_order_id as match_value,
        records.seen_at as first_seen_at,
        records.updated_at as last_seen_at
    from records
    inner join cases
        on records.shop_order_id = cases.shop_order_id

),

unioned as (

    {% for identifier_type in columns %}
    select * from {{ identifier_type }}_values
    union all
    {% endfor %}
    select * from login_values
    union all
    select * from case_values

)

select * from unioned
