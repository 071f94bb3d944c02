with

addressed as (

    select * from {{ ref('int_customer_addresses_hashed') }}

),

linked as (

    select * from {{ ref('int_household_surnames_linked') }}
    where is_one_household

),

named as (

    select
        addressed.customer_id,
        addressed.address_hash,
        coalesce(linked.household_surname, addressed.surname) as household_surname,
        linked.surname is not null as has_several_surnames
    from addressed
    left join linked
        on addressed.address_hash = linked.address_hash
            and addressed.surname = linked.surname

),

formed as (

    select
        customer_id,
        {{ dbt.hash("concat(address_hash, '|', household_surname)") }} as household_id,
        has_several_surnames
    from named

)

select * from formed
