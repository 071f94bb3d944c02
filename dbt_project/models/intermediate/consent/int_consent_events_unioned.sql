with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

consent_events as (

    select * from {{ ref('stg_consent__events') }}

),

subscribers as (

    select * from {{ ref('stg_mail__subscribers') }}
    where email is not null

),

responses as (

    select * from {{ ref('stg_mail__responses') }}

),

mail_events as (

    {% for status, column in {
        'requested': 'signed_up_at', 'confirmed': 'confirmed_at', 'withdrawn': 'unsubscribed_at',
    }.items() %}
    select
        email,
        '{{ status }}' as status,
        {{ column }} as occurred_at
    from subscribers
    where {{ column }} is not null
    union all
    {% endfor %}
    select
        subscribers.email,
        case responses.response_type
            when 'complaint' then 'objected'
            else 'withdrawn'
        end as status,
        responses.occurred_at
    from responses
    inner join subscribers
        on responses.mail_subscriber_id = subscribers.mail_subscriber_id
    where responses.response_type in ('unsubscribe', 'complaint')

),

unioned as (

    select
        identifier_type,
        identifier_value,
        purpose,
        channel,
        status,
        legal_ground,
        jurisdiction,
        occurred_at,
        expires_at,
        'consent' as source
    from consent_events
    where identifier_value is not null
    union all
    select
        'email' as identifier_type,
        email as identifier_value,
        'marketing' as purpose,
        'email' as channel,
        status,
        'consent' as legal_ground,
        cast(null as {{ dbt.type_string() }}) as jurisdiction,
        occurred_at,
        cast(null as {{ dbt.type_timestamp() }}) as expires_at,
        'mail' as source
    from mail_events

),

known as (

    select
        {{ contact_point_id('unioned.identifier_type', 'unioned.identifier_value') }}
            as contact_point_id,
        unioned.*
    from unioned
    cross join clock
    where unioned.occurred_at <= clock.as_of

)

select * from known
