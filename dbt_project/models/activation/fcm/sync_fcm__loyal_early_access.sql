with

audience_flags as (

    select * from {{ ref('audience_flags') }}
    where is_loyal_early_access

),

contact_points as (

    select * from {{ ref('contact_points') }}
    where identifier_type = 'push_token'

),

selected as (

    select
        contact_points.contact_point_id,
        contact_points.customer_id,
        contact_points.address as token
    from audience_flags
    inner join contact_points on contact_points.customer_id = audience_flags.customer_id

)

select * from selected
