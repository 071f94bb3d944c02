-- A sync model selects: it holds whom its segment holds now, no one more and no one less.
{% set audiences = {
    'sync_klaviyo__second_purchase_nudge': 'second_purchase_nudge',
    'sync_klaviyo__win_back': 'win_back',
    'sync_meta_custom_audiences__win_back': 'win_back',
    'sync_meta_custom_audiences__existing_customers': 'existing_customers',
    'sync_google_customer_match__existing_customers': 'existing_customers',
} %}

with

members as (

    select
        segment,
        customer_id
    from {{ ref('segment_members') }}
    where is_member

),

synced as (

    {% for model, segment in audiences.items() %}
    select
        '{{ model }}' as model_name,
        '{{ segment }}' as segment,
        customer_id
    from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

wanted as (

    {% for model, segment in audiences.items() %}
    select
        '{{ model }}' as model_name,
        customer_id
    from members
    where segment = '{{ segment }}'
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

compared as (

    select
        coalesce(synced.model_name, wanted.model_name) as model_name,
        coalesce(synced.customer_id, wanted.customer_id) as customer_id
    from synced
    full outer join wanted
        on synced.model_name = wanted.model_name
            and synced.customer_id = wanted.customer_id
    where synced.customer_id is null
        or wanted.customer_id is null

)

select * from compared
