{#- Fields that belong together come from one record: a street of one with a city of another is
    an address nobody lives at. -#}
{% set parts = {
    'name': ['first_name', 'last_name'],
    'address': ['street', 'house_number', 'postal_code', 'city', 'country_code'],
    'language': ['language'],
} %}

with

records as (

    select * from {{ ref('int_source_records_keyed') }}

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

{% for part, columns in parts.items() %}
ranked_{{ part }} as (

    select
        resolved.customer_id,
        {% for column in columns %}
        records.{{ column }},
        {% endfor %}
        records.source as {{ part }}_source,
        records.source_record_key as {{ part }}_record_key,
        records.updated_at as {{ part }}_as_of,
        row_number() over (
            partition by resolved.customer_id
            order by
                records.trust_rank,
                records.updated_at desc,
                records.source_record_key
        ) as choice_rank
    from records
    inner join resolved
        on records.node_id = resolved.node_id
    where records.{{ {'name': 'last_name', 'address': 'postal_code'}.get(part, part) }}
        is not null

),

{% endfor %}
summed as (

    select
        resolved.customer_id,
        count(*) as count_source_records,
        max(case when records.company is not null then 1 else 0 end) as count_companies,
        max(case when records.is_test then 1 else 0 end) as count_tests,
        min(records.seen_at) as first_seen_at
    from records
    inner join resolved
        on records.node_id = resolved.node_id
    group by resolved.customer_id

),

chosen as (

    select
        summed.customer_id,
        {% for part, columns in parts.items() %}
        {% for column in columns %}
        ranked_{{ part }}.{{ column }},
        {% endfor %}
        ranked_{{ part }}.{{ part }}_source,
        ranked_{{ part }}.{{ part }}_record_key,
        ranked_{{ part }}.{{ part }}_as_of,
        {% endfor %}
        summed.count_source_records,
        summed.count_companies > 0 as is_business,
        summed.count_tests > 0 as is_test,
        summed.first_seen_at
    from summed
    {% for part in parts %}
    left join ranked_{{ part }}
        on ranked_{{ part }}.customer_id = summed.customer_id
            and ranked_{{ part }}.choice_rank = 1
    {% endfor %}

)

select * from chosen
