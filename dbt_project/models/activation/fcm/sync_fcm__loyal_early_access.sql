with

segment_loyal_early_access as (

    select * from {{ members_of('segment_loyal_early_access') }}

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
    from segment_loyal_early_access
    inner join contact_points
        on segment_loyal_early_access.customer_id = contact_points.customer_id

),

digested as (

    select
        *,
        {{ row_digest() }} as row_digest
    from selected

)

select * from digested
