with

audience_flags as (

    select * from {{ ref('audience_flags') }}
    where is_existing_customer

),

customers as (

    select * from {{ ref('customers') }}

),

selected as (

    select
        customers.customer_id,
        customers.email_contact_point_id as contact_point_id,
        customers.email
    from audience_flags
    inner join customers on customers.customer_id = audience_flags.customer_id

)

select * from selected
