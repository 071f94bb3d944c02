{#- Customers who had registered an app for push messages, per date of spine_dates. -#}
{% macro app_features() %}
    select distinct
        contact_points.customer_id,
        spine_dates.as_of
    from {{ ref('contact_points') }} as contact_points
    inner join {{ ref('stg_push__tokens') }} as tokens
        on contact_points.address = tokens.push_token
    inner join spine_dates on tokens.registered_at < spine_dates.as_of
    where contact_points.identifier_type = 'push_token'
{% endmacro %}
