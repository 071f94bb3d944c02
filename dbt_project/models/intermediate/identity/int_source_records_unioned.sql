{#- What every silo knows about a person, most trusted first. -#}
{% set contact = [
    'email', 'phone', 'first_name', 'last_name', 'street', 'house_number', 'postal_code', 'city',
    'country_code',
] %}
{% set records = [
    {
        'model': 'stg_shop__customers', 'table': 'shop:customers', 'key': 'shop_customer_id',
        'seen_at': 'created_at', 'has': contact + ['language', 'company', 'is_test'],
    },
    {
        'model': 'stg_crm__contacts', 'table': 'crm:contacts', 'key': 'crm_contact_id',
        'seen_at': 'created_at', 'has': contact + ['company'],
    },
    {
        'model': 'int_loyalty_cards_found', 'table': 'store:loyalty_cards',
        'key': 'loyalty_card_id', 'seen_at': 'enrolled_at', 'has': contact,
    },
    {
        'model': 'stg_shop__orders', 'table': 'shop:orders', 'key': 'shop_order_id',
        'seen_at': 'ordered_at', 'has': contact + ['shop_customer_id', 'device_id'],
    },
    {
        'model': 'stg_mail__subscribers', 'table': 'mail:subscribers',
        'key': 'mail_subscriber_id', 'seen_at': 'signed_up_at', 'has': ['email'],
    },
    {
        'model': 'stg_push__tokens', 'table': 'push:tokens', 'key': 'push_token',
        'seen_at': 'registered_at', 'has': ['shop_customer_id', 'device_id'],
    },
    {
        'model': 'stg_helpdesk__cases', 'table': 'helpdesk:cases', 'key': 'helpdesk_case_id',
        'seen_at': 'opened_at', 'has': ['email', 'phone', 'shop_order_id'],
    },
    {
        'model': 'stg_billing__contracts', 'table': 'billing:contracts',
        'key': 'billing_contract_id', 'seen_at': 'created_at', 'has': ['shop_customer_id'],
    },
] %}
{% set texts = [
    'shop_customer_id', 'crm_contact_id', 'loyalty_card_id', 'mail_subscriber_id', 'push_token',
    'device_id', 'shop_order_id', 'helpdesk_case_id',
] + contact + ['language', 'company'] %}

with

{% for record in records %}
{{ record.model }} as (

    select
        '{{ record.table.split(":")[0] }}' as source,
        concat('{{ record.table.split(":")[1] }}:', {{ record.key }})
            as source_record_key,
        {{ loop.index }} as trust_rank,
        {% for column in texts %}
        {% if column in record.has or column == record.key %}
        {{ column }},
        {% else %}
        cast(null as {{ dbt.type_string() }}) as {{ column }},
        {% endif %}
        {% endfor %}
        {{ 'is_test' if 'is_test' in record.has else 'false' }} as is_test,
        {{ 'has_malformed_email' if 'email' in record.has else 'false' }}
            as has_malformed_email,
        {{ 'has_malformed_phone' if 'phone' in record.has else 'false' }}
            as has_malformed_phone,
        {{ record.seen_at }} as seen_at,
        coalesce(updated_at, {{ record.seen_at }}) as updated_at,
        arrived_on
    from {{ ref(record.model) }}

),

{% endfor %}
unioned as (

    {% for record in records %}
    select * from {{ record.model }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}

)

select * from unioned
