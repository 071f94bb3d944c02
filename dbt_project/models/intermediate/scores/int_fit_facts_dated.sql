with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select * from {{ ref('customers') }}
    where not is_test

),

customers_resolved as (

    select * from {{ ref('int_customers_resolved') }}
    where source in ('crm', 'mail', 'shop')

),

told as (

    select * from {{ ref('int_fit_facts_told') }}

),

-- Who has neither signed up nor registered is known not to have.
unioned as (

    select
        customers.customer_id,
        told.attribute,
        told.value,
        told.known_at
    from told
    inner join customers_resolved
        on told.source = customers_resolved.source
            and told.source_record_key = customers_resolved.source_record_key
    inner join customers
        on customers_resolved.customer_id = customers.customer_id
    {% for attribute in ['newsletter', 'account'] %}
    union all
    select
        customer_id,
        '{{ attribute }}' as attribute,
        'no' as value,
        first_seen_at as known_at
    from customers
    {% endfor %}

),

dated as (

    select
        customer_id,
        attribute,
        value,
        {{ to_local_date('known_at') }} as known_on
    from unioned
    cross join clock
    where unioned.known_at <= clock.as_of

)

select * from dated
