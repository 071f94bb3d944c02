with

cards as (

    select * from {{ ref('stg_store__loyalty_cards') }}

),

receipts as (

    select
        loyalty_card_id,
        min(sold_at) as enrolled_at,
        min(arrived_on) as arrived_on
    from {{ ref('stg_store__receipts') }}
    where loyalty_card_id is not null
    group by loyalty_card_id

),

-- A card that only the tills know is still a customer, one without a name.
found as (

    select
        coalesce(cards.loyalty_card_id, receipts.loyalty_card_id) as loyalty_card_id,
        cards.email,
        cards.phone,
        cards.first_name,
        cards.last_name,
        cards.street,
        cards.house_number,
        cards.postal_code,
        cards.city,
        cards.country_code,
        coalesce(cards.has_malformed_email, false) as has_malformed_email,
        coalesce(cards.has_malformed_phone, false) as has_malformed_phone,
        coalesce(cards.enrolled_at, receipts.enrolled_at) as enrolled_at,
        cards.updated_at,
        coalesce(cards.arrived_on, receipts.arrived_on) as arrived_on
    from cards
    full outer join receipts
        on cards.loyalty_card_id = receipts.loyalty_card_id

)

select * from found
