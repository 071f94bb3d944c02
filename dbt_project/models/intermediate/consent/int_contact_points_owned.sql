with

observed as (

    select * from {{ ref('int_contact_points_observed') }}

),

summed as (

    select
        identifier_type,
        identifier_value,
        customer_id,
        min(trust_rank) as trust_rank,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from observed
    group by
        identifier_type,
        identifier_value,
        customer_id

),

-- An address that several people use belongs to the one on the most trusted record.
ranked as (

    select
        summed.*,
        row_number() over (
            partition by identifier_type, identifier_value
            order by
                case when customer_id is null then 1 else 0 end,
                trust_rank,
                last_seen_at desc,
                customer_id
        ) as owner_rank,
        min(first_seen_at) over (
            partition by identifier_type, identifier_value
        ) as earliest_seen_at,
        max(last_seen_at) over (
            partition by identifier_type, identifier_value
        ) as latest_seen_at
    from summed

),

owned as (

    select
        {{ contact_point_id('identifier_type', 'identifier_value') }}
            as contact_point_id,
        identifier_type,
        identifier_value,
        customer_id,
        trust_rank,
        earliest_seen_at as first_seen_at,
        latest_seen_at as last_seen_at
    from ranked
    where owner_rank = 1

)

select * from owned
