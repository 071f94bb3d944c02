with

segment_win_back as (

    select * from {{ members_of('segment_win_back') }}

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
    from segment_win_back
    inner join customers
        on segment_win_back.customer_id = customers.customer_id

)

select * from selected
