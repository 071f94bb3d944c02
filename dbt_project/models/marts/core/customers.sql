with

profiles as (

    select * from {{ ref('int_customer_profiles_chosen') }}

),

contacts as (

    select * from {{ ref('customer_contacts') }}

),

occasions as (

    select * from {{ ref('int_purchase_occasions') }}

),

households as (

    select * from {{ ref('int_households_formed') }}

),

shop_currency as (

    select * from {{ ref('int_shop_currency_chosen') }}

),

purchase_sums as (

    select
        customer_id,
        count(*) as count_orders,
        sum(kept_amount) as net_revenue,
        min(occurred_at) as first_ordered_at,
        max(occurred_at) as last_ordered_at
    from occasions
    group by customer_id

),

final as (

    select
        profiles.customer_id,
        households.household_id,
        'person' as kind,
        contacts.email_contact_point_id,
        contacts.phone_contact_point_id,
        profiles.country_code,
        {{ postal_region('profiles.country_code', 'profiles.postal_code') }} as region,
        profiles.language,
        shop_currency.currency_code,
        cast(coalesce(purchase_sums.net_revenue, 0) as decimal(18, 2)) as net_revenue,
        coalesce(purchase_sums.count_orders, 0) as count_orders,
        profiles.count_source_records,
        coalesce(
            contacts.email, contacts.phone, contacts.street
        ) is not null as has_contact_data,
        profiles.is_business,
        profiles.is_test,
        profiles.first_seen_at,
        purchase_sums.first_ordered_at,
        purchase_sums.last_ordered_at
    from profiles
    cross join shop_currency
    inner join contacts
        on profiles.customer_id = contacts.customer_id
    left join households
        on profiles.customer_id = households.customer_id
    left join purchase_sums
        on profiles.customer_id = purchase_sums.customer_id

)

select * from final
