with

logins as (

    select * from {{ ref('int_device_logins_found') }}

),

accounts as (

    select * from {{ ref('int_login_accounts_resolved') }}

),

identifiers as (

    select * from {{ ref('int_identifiers_unioned') }}
    where identifier_type = 'device'

),

resolved as (

    select * from {{ ref('int_customers_resolved') }}
    where source_record_key like 'orders:%'
        or source_record_key like 'tokens:%'

),

sighted as (

    select
        logins.device_id,
        accounts.holder_id,
        accounts.customer_id
    from logins
    inner join accounts
        on logins.shop_customer_id = accounts.shop_customer_id
    where accounts.holder_id is not null
    union all
    select
        identifiers.identifier_value as device_id,
        resolved.customer_id as holder_id,
        resolved.customer_id
    from identifiers
    inner join resolved
        on identifiers.node_id = resolved.node_id

),

found as (

    select
        device_id,
        holder_id,
        max(customer_id) as customer_id
    from sighted
    group by
        device_id,
        holder_id

),

placeholders as (

    select distinct found.device_id
    from found
    inner join {{ ref('identity_blocked_values') }} as blocked_values
        on blocked_values.identifier_type = 'device'
            and lower(found.device_id) like blocked_values.pattern

),

counted as (

    select
        found.*,
        count(*) over (partition by found.device_id) as count_holders,
        placeholders.device_id is not null as is_placeholder
    from found
    left join placeholders
        on found.device_id = placeholders.device_id

)

select * from counted
