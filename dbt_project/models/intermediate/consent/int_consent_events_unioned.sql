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

departures as (

    select * from {{ ref('int_mail_departures_found') }}

),

mail_events as (

    select
        email,
        'requested' as status,
        signed_up_at as occurred_at
    from subscribers
    where signed_up_at is not null
    union all
    select
        email,
        'confirmed' as status,
        confirmed_at as occurred_at
    from subscribers
    where confirmed_at is not null
    union all
    select
        email,
        status,
        occurred_at
    from departures

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
        text_version,
        collected_by,
        proof_reference,
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
        cast(null as {{ dbt.type_string() }}) as text_version,
        cast(null as {{ dbt.type_string() }}) as collected_by,
        cast(null as {{ dbt.type_string() }}) as proof_reference,
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
