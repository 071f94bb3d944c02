with

{{ newest_versions(source('mail', 'subscribers'), ['subscriber_id'], 'updated_at') }},

renamed as (

    select
        {{ blank_to_null('subscriber_id') }} as mail_subscriber_id,
        {{ normalise_email('email') }} as email,
        lower(coalesce({{ blank_to_null('status') }}, 'pending')) as status,
        {{ is_malformed('email', normalise_email('email')) }}
            as has_malformed_email,
        signed_up_at,
        confirmed_at,
        unsubscribed_at,
        updated_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
