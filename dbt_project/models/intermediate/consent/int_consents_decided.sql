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

agreed as (

    select
        classified.*,
        max(case when is_granted then occurred_at end) over (
            partition by contact_point_id, purpose, channel
        ) as granted_at
    from classified

),

-- The latest event decides, at the same moment the stricter one. Only a yes that would need a
-- confirmation never replaces what is known: another yes takes nothing away. And an objection
-- stands until a yes: it holds for the person, which a lesser no at this address must not undo.
ranked as (

    select
        agreed.*,
        row_number() over (
            partition by contact_point_id, purpose, channel
            order by
                case
                    when status = 'objected'
                        and occurred_at >= coalesce(granted_at, occurred_at)
                        then 0
                    when status = 'granted' and not is_granted then 2
                    else 1
                end,
                occurred_at desc,
                case when is_granted then 1 else 0 end,
                status,
                source
        ) as event_rank
    from agreed

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
        expires_at,
        text_version,
        collected_by,
        proof_reference,
        source
    from ranked
    where event_rank = 1

)

select * from decided
