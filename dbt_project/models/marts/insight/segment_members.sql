{#- Every model in models/marts/segments, without `segment_`. -#}
{%- set segments = [
    'existing_customers', 'loyal_early_access', 'promising_price_sensitive',
    'second_purchase_nudge', 'win_back',
] -%}
{%- do refuse_unlisted_segments(segments) -%}

with

unioned as (

    {% for segment in segments %}
    select
        '{{ segment }}' as segment,
        customer_id,
        entered_at,
        left_at
    from {{ ref('segment_' ~ segment) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

judged as (

    select
        unioned.*,
        left_at is null as is_member
    from unioned

)

select * from judged
