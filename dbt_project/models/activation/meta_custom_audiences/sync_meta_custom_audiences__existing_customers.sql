with

segment_existing_customers as (

    select * from {{ members_of('segment_existing_customers') }}

),

customers as (

    select * from {{ ref('customers') }}

),

selected as (

    select
        customers.customer_id,
        customers.email_contact_point_id as contact_point_id,
        customers.customer_id as external_id,
        customers.email
    from segment_existing_customers
    inner join customers
        on segment_existing_customers.customer_id = customers.customer_id

)

select * from selected
