with

logins as (

    select distinct shop_customer_id from {{ ref('int_device_logins_found') }}

),

accounts as (

    select * from {{ ref('int_accounts_resolved') }}

),

placeholders as (

    select distinct logins.shop_customer_id
    from logins
    inner join {{ ref('identity_blocked_values') }} as blocked_values
        on blocked_values.identifier_type = 'shop_customer'
            and lower(logins.shop_customer_id) like blocked_values.pattern

),

-- An account of nobody we know is still somebody: a device it was used on is not another's alone.
resolved as (

    select
        logins.shop_customer_id,
        case
            when placeholders.shop_customer_id is null
                then coalesce(
                        accounts.customer_id,
                        concat('account:', logins.shop_customer_id)
                    )
        end as holder_id,
        case
            when placeholders.shop_customer_id is null then accounts.customer_id
        end as customer_id
    from logins
    left join accounts
        on logins.shop_customer_id = accounts.shop_customer_id
    left join placeholders
        on logins.shop_customer_id = placeholders.shop_customer_id

)

select * from resolved
