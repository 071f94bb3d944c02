with

segment_second_purchase_nudge as (

    select * from {{ members_of('segment_second_purchase_nudge') }}

),

customers as (

    select * from {{ ref('customers') }}

),

selected as (

    select
        customers.customer_id,
        customers.email_contact_point_id as contact_point_id,
        customers.email,
        customers.customer_id as external_id,
        customers.first_name,
        customers.last_name,
        {{ to_local_date('customers.first_ordered_at') }} as property_first_order_date
    from segment_second_purchase_nudge
    inner join customers
        on segment_second_purchase_nudge.customer_id = customers.customer_id

)

select * from selected
