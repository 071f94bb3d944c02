with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

contact_points as (

    select * from {{ ref('contact_points') }}

),

decided as (

    select * from {{ ref('int_consents_decided') }}

),

owned as (

    select
        decided.*,
        contact_points.customer_id,
        -- A full mailbox keeps no advertisement from being shown.
        contact_points.is_deliverable
        or contact_points.channel <> decided.channel as is_deliverable
    from decided
    inner join contact_points
        on decided.contact_point_id = contact_points.contact_point_id

),

-- An objection made at any address of a person holds for the person.
objections as (

    select distinct
        customer_id,
        purpose,
        channel
    from owned
    where status = 'objected'
        and customer_id is not null

),

judged as (

    select
        owned.contact_point_id,
        owned.customer_id,
        owned.identifier_type,
        owned.purpose,
        owned.channel,
        owned.status,
        owned.legal_ground,
        owned.occurred_at,
        owned.expires_at,
        owned.text_version,
        owned.collected_by,
        owned.proof_reference,
        owned.source,
        case
            when owned.status = 'objected' or objections.customer_id is not null
                then 'objected'
            when owned.status in ('withdrawn', 'denied', 'expired')
                then owned.status
            when not owned.is_granted then 'not_confirmed'
            when owned.expires_at <= clock.as_of then 'expired'
            when not owned.is_deliverable then 'undeliverable'
            else 'allowed'
        end as reason
    from owned
    cross join clock
    left join objections
        on owned.customer_id = objections.customer_id
            and owned.purpose = objections.purpose
            and owned.channel = objections.channel

),

final as (

    select
        contact_point_id,
        customer_id,
        identifier_type,
        purpose,
        channel,
        status,
        legal_ground,
        reason,
        reason = 'allowed' as is_allowed,
        occurred_at,
        expires_at,
        text_version,
        collected_by,
        proof_reference,
        source
    from judged

)

select * from final
