{% set columns = {
    'shop_customer': 'shop_customer_id',
    'crm_contact': 'crm_contact_id',
    'loyalty_card': 'loyalty_card_id',
    'mail_subscriber': 'mail_subscriber_id',
    'push_token': 'push_token',
    'email': 'email',
    'phone': 'phone',
    'device': 'device_id',
    'address': 'household_key',
} %}

with

records as (

    select * from {{ ref('int_source_records_unioned') }}

),

logins as (

    select * from {{ ref('int_device_logins_found') }}

),

{% for identifier_type, column in columns.items() %}
{{ identifier_type }}s as (

    select
        source,
        source_record_key,
        trust_rank,
        shop_customer_id,
        name_key,
        '{{ identifier_type }}' as identifier_type,
        {{ column }} as identifier_value,
        seen_at as first_seen_at,
        updated_at as last_seen_at
    from records
    where {{ column }} is not null

),

{% endfor %}
login_devices as (

    select
        records.source,
        records.source_record_key,
        records.trust_rank,
        records.shop_customer_id,
        records.name_key,
        'device' as identifier_type,
        logins.device_id as identifier_value,
        logins.first_seen_at,
        logins.last_seen_at
    from logins
    inner join records
        on records.source = 'shop'
        and records.source_record_key = concat('customers:', logins.shop_customer_id)

),

unioned as (

    {% for identifier_type in columns %}
    select * from {{ identifier_type }}s
    union all
    {% endfor %}
    select * from login_devices

)

select * from unioned
