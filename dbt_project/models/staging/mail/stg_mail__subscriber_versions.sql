with

subscribers as (

    select * from {{ source('mail', 'subscribers') }}

),

renamed as (

    select
        {{ blank_to_null('subscriber_id') }} as mail_subscriber_id,
        {{ normalise_email('email') }} as email,
        lower(coalesce({{ blank_to_null('status') }}, 'pending')) as status,
        unsubscribed_at,
        updated_at,
        _arrived_on as arrived_on
    from subscribers

)

select * from renamed
