with

profiles as (

    select * from {{ ref('int_customer_profiles_chosen') }}

),

contact_points as (

    select * from {{ ref('contact_points') }}
    where is_primary

),

final as (

    select
        profiles.customer_id,
        emails.contact_point_id as email_contact_point_id,
        phones.contact_point_id as phone_contact_point_id,
        emails.address as email,
        phones.address as phone,
        profiles.first_name,
        profiles.last_name,
        profiles.street,
        profiles.house_number,
        profiles.postal_code,
        profiles.city,
        profiles.country_code
    from profiles
    left join contact_points as emails
        on profiles.customer_id = emails.customer_id
            and emails.identifier_type = 'email'
    left join contact_points as phones
        on profiles.customer_id = phones.customer_id
            and phones.identifier_type = 'phone'

)

select * from final
