{% set parts = ['name', 'address', 'language'] %}

with

profiles as (

    select * from {{ ref('int_customer_profiles_chosen') }}

),

contact_points as (

    select * from {{ ref('contact_points') }}
    where is_primary
        and identifier_type in ('email', 'phone')

),

identities as (

    select * from {{ ref('customer_identities') }}

),

-- The record that showed the chosen address last.
ranked as (

    select
        contact_points.customer_id,
        contact_points.identifier_type as attribute,
        identities.source,
        identities.source_record_key,
        identities.last_seen_at as known_at,
        row_number() over (
            partition by contact_points.contact_point_id
            order by
                identities.last_seen_at desc,
                identities.source,
                identities.source_record_key
        ) as choice_rank
    from contact_points
    inner join identities
        on contact_points.customer_id = identities.customer_id
            and contact_points.identifier_type = identities.identifier_type
            and contact_points.address = identities.identifier_value

),

unpivoted as (

    {% for part in parts %}
    select
        customer_id,
        '{{ part }}' as attribute,
        {{ part }}_source as source,
        {{ part }}_record_key as source_record_key,
        {{ part }}_as_of as known_at
    from profiles
    where {{ part }}_source is not null
    union all
    {% endfor %}
    select
        customer_id,
        attribute,
        source,
        source_record_key,
        known_at
    from ranked
    where choice_rank = 1

)

select * from unpivoted
