with

addressed as (

    select * from {{ ref('int_customer_addresses_hashed') }}

),

devices as (

    select * from {{ ref('int_device_holders_found') }}
    where count_holders between 2 and {{ var('device_holder_limit') }}
        and not is_placeholder

),

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}
    where identifier_type in ('email', 'phone')

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}

),

used as (

    select
        customer_id,
        'device' as identifier_type,
        device_id as match_value
    from devices
    where customer_id is not null
    union all
    select
        resolved.customer_id,
        identifiers.identifier_type,
        identifiers.match_value
    from identifiers
    inner join resolved
        on identifiers.node_id = resolved.node_id

),

-- What people of two surnames at one address have in common.
shared as (

    select
        addressed.address_hash,
        used.identifier_type,
        used.match_value
    from used
    inner join addressed
        on used.customer_id = addressed.customer_id
    group by
        addressed.address_hash,
        used.identifier_type,
        used.match_value
    having min(addressed.surname) <> max(addressed.surname)

),

found as (

    select distinct
        shared.address_hash,
        addressed.surname
    from shared
    inner join used
        on shared.identifier_type = used.identifier_type
            and shared.match_value = used.match_value
    inner join addressed
        on used.customer_id = addressed.customer_id
            and shared.address_hash = addressed.address_hash
    left join {{ ref('identity_blocked_values') }} as blocked_values
        on shared.identifier_type = blocked_values.identifier_type
            and lower(shared.match_value) like blocked_values.pattern
    where blocked_values.pattern is null

),

-- Up to three surnames that each share something with another are one household; of four there
-- could be two, as in a block of flats.
linked as (

    select
        found.*,
        min(found.surname) over (partition by found.address_hash) as household_surname,
        count(*) over (partition by found.address_hash) <= 3 as is_one_household
    from found

)

select * from linked
