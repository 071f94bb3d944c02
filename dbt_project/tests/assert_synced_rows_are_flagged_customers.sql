-- A sync model selects: it holds whom its audience holds, no one more and no one less.
{% set audiences = {
    'sync_klaviyo__second_purchase_nudge': 'is_second_purchase_nudge',
    'sync_klaviyo__win_back': 'is_win_back',
    'sync_meta_custom_audiences__win_back': 'is_win_back',
    'sync_meta_custom_audiences__existing_customers': 'is_existing_customer',
    'sync_google_customer_match__existing_customers': 'is_existing_customer',
} %}

with

compared as (

    {% for model, flag in audiences.items() %}
    select
        '{{ model }}' as model_name,
        flags.customer_id as flagged_customer_id,
        synced.customer_id as synced_customer_id
    from {{ ref(model) }} as synced
    full outer join {{ ref('audience_flags') }} as flags
        on flags.customer_id = synced.customer_id
    where coalesce(flags.{{ flag }}, false) <> (synced.customer_id is not null)
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from compared
