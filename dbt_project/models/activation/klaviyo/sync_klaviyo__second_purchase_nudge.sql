with

audience_flags as (

    select * from {{ ref('audience_flags') }}
    where is_second_purchase_nudge

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
    from audience_flags
    inner join customers on customers.customer_id = audience_flags.customer_id

)

select * from selected
