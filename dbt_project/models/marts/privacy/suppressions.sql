with

consents as (

    select * from {{ ref('consents') }}

),

contact_points as (

    select * from {{ ref('contact_points') }}

),

reached as (

    select * from {{ ref('int_mail_addresses_reached') }}

),

collected as (

    select
        contact_points.identifier_type,
        contact_points.address,
        contact_points.customer_id,
        consents.channel as scope,
        'objected' as reason,
        consents.occurred_at as suppressed_at
    from consents
    inner join contact_points
        on consents.contact_point_id = contact_points.contact_point_id
    where consents.status = 'objected'
        and consents.purpose in ('marketing', 'ads_user_data', 'ads_personalisation')
    union all
    select
        contact_points.identifier_type,
        contact_points.address,
        contact_points.customer_id,
        'email' as scope,
        'complained' as reason,
        reached.complained_at as suppressed_at
    from reached
    inner join contact_points
        on contact_points.identifier_type = 'email'
            and reached.email = contact_points.address
    where reached.complained_at is not null
    union all
    select
        contact_points.identifier_type,
        contact_points.address,
        contact_points.customer_id,
        'email' as scope,
        contact_points.undeliverable_reason as reason,
        reached.failed_at as suppressed_at
    from contact_points
    inner join reached
        on contact_points.address = reached.email
    where contact_points.identifier_type = 'email'
        and contact_points.undeliverable_reason = 'hard_bounced'

),

final as (

    select
        {{ sha256_hex("concat(identifier_type, '|', address)") }} as suppression_key,
        min(customer_id) as customer_id,
        scope,
        reason,
        min(suppressed_at) as suppressed_at
    from collected
    group by
        identifier_type,
        address,
        scope,
        reason

)

select * from final
