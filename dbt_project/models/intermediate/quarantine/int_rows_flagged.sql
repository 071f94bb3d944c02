{#- Rows of every source table with something wrong: one scan each. Master data may bear any date;
    what happened may not happen in the future. -#}
{% set tables = {
    'shop_customers': {'key': ['shop_customer_id']},
    'shop_orders': {'key': ['shop_order_id'], 'time': 'ordered_at'},
    'shop_order_items': {'key': ['shop_order_id', 'line_number']},
    'shop_products': {'key': ['sku']},
    'web_events': {'key': ['event_id'], 'time': 'occurred_at'},
    'store_receipts': {'key': ['store_receipt_id'], 'time': 'sold_at'},
    'store_receipt_items': {'key': ['store_receipt_id', 'line_number']},
    'store_loyalty_cards': {'key': ['loyalty_card_id']},
    'mail_subscribers': {'key': ['mail_subscriber_id']},
    'mail_sends': {'key': ['send_id'], 'time': 'sent_at'},
    'mail_responses': {'key': ['response_id'], 'time': 'occurred_at'},
    'crm_contacts': {'key': ['crm_contact_id']},
    'helpdesk_cases': {'key': ['helpdesk_case_id'], 'time': 'opened_at'},
    'consent_events': {'key': ['consent_event_id'], 'time': 'occurred_at'},
    'ads_costs': {'key': ['platform', 'campaign_id', 'cost_date']},
    'ads_clicks': {'key': ['click_id'], 'time': 'clicked_at'},
    'push_tokens': {'key': ['push_token'], 'time': 'registered_at'},
    'fulfilment_events': {'key': ['shipment_event_id'], 'time': 'occurred_at'},
    'production_milestones': {'key': ['milestone_event_id'], 'time': 'occurred_at'},
    'usage_events': {'key': ['usage_event_id'], 'time': 'occurred_at'},
    'billing_contracts': {'key': ['billing_contract_id'], 'time': 'created_at'},
    'billing_invoices': {'key': ['billing_invoice_id'], 'time': 'issued_at'},
    'experiments_assignments': {
        'key': ['experiment', 'assigned_customer_id', 'assigned_at'], 'time': 'assigned_at'
    },
    'experiments_subscriber_assignments': {
        'key': ['experiment', 'mail_subscriber_id', 'assigned_at'], 'time': 'assigned_at'
    },
    'stock_levels': {'key': ['sku', 'changed_at'], 'time': 'changed_at'},
    'stock_prices': {'key': ['sku', 'changed_at'], 'time': 'changed_at'},
    'content_assets': {'key': ['asset_id']},
} %}
{% set text = dbt.type_string() %}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

{% for name, table in tables.items() %}
{% set source, entity = name.split('_', 1) %}
flagged_{{ name }} as (

    select
        '{{ source }}' as source,
        '{{ entity }}' as table_name,
        concat(
            {%- for column in table.key %}
            {{ "'|', " if not loop.first }}cast({{ column }} as {{ text }})
            {{- ',' if not loop.last }}
            {%- endfor %}
        ) as record_key,
        {{ is_future(table.time, 'as_of') if 'time' in table else 'false' }}
            as is_future,
        count_rivals > 0 as is_ambiguous,
        arrived_on
    from {{ ref('stg_' ~ source ~ '__' ~ entity) }}
    cross join clock
    where count_rivals > 0
        {{ 'or ' ~ is_future(table.time, 'as_of') if 'time' in table }}

),

{% endfor %}
unioned as (

    {% for name in tables %}
    select * from flagged_{{ name }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from unioned
