with

consent_events as (

    select * from {{ ref('int_consent_events_unioned') }}

),

countries as (

    select * from {{ ref('countries') }}

),

-- Marketing e-mail in the EU needs a confirmed address (double opt-in), unless it goes to buyers
-- about similar goods. An unknown jurisdiction is taken for the EU.
classified as (

    select
        consent_events.*,
        status = 'confirmed'
        or (
            status = 'granted'
            and not (
                purpose = 'marketing'
                and channel = 'email'
                and legal_ground = 'consent'
                and coalesce(countries.is_in_european_economic_area, true)
            )
        ) as is_granted
    from consent_events
    left join countries
        on consent_events.jurisdiction = countries.country_code

),

-- The latest event decides, at the same moment the stricter one. Only a yes that would need a
-- confirmation never replaces what is known: another yes takes nothing away.
ranked as (

    select
        classified.*,
        row_number() over (
            partition by contact_point_id, purpose, channel
            order by
                case when status = 'granted' and not is_granted then 1 else 0 end,
                occurred_at desc,
                case when is_granted then 1 else 0 end,
                status,
                source
        ) as event_rank
    from classified

),

decided as (

    select
        contact_point_id,
        identifier_type,
        identifier_value,
        purpose,
        channel,
        status,
        legal_ground,
        is_granted,
        occurred_at,
        expires_at
    from ranked
    where event_rank = 1

)

select * from decided
