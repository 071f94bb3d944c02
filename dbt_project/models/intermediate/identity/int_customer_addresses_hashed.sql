with

profiles as (

    select * from {{ ref('int_customer_profiles_chosen') }}

),

keyed as (

    select
        customer_id,
        {{ address_key('street', 'house_number', 'postal_code', 'country_code') }}
            as address_key,
        {{ fold_letters('last_name') }} as surname
    from profiles

),

hashed as (

    select
        customer_id,
        {{ dbt.hash('address_key') }} as address_hash,
        surname
    from keyed
    where address_key is not null
        and surname is not null

)

select * from hashed
