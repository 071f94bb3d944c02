with

segment_existing_customers as (

    select * from {{ members_of('segment_existing_customers') }}

),

contacts as (

    select * from {{ ref('customer_contacts') }}

),

selected as (

    select
        contacts.customer_id,
        contacts.email_contact_point_id as contact_point_id,
        contacts.customer_id as external_id,
        contacts.email
    from segment_existing_customers
    inner join contacts
        on segment_existing_customers.customer_id = contacts.customer_id

),

digested as (

    select
        *,
        {{ row_digest() }} as row_digest
    from selected

)

select * from digested
