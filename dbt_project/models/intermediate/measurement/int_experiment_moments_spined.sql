with

contacts as (

    select * from {{ ref('int_experiment_contacts_dated') }}

),

spined as (

    select distinct
        customer_id,
        as_of,
        false as is_current
    from contacts

)

select * from spined
