with

owned as (

    select * from {{ ref('int_contact_points_owned') }}

),

reached as (

    select * from {{ ref('int_mail_addresses_reached') }}

),

push_tokens as (

    select * from {{ ref('int_push_tokens_assigned') }}

),

judged as (

    select
        owned.*,
        case
            when reached.failed_at >= coalesce(reached.answered_at, reached.failed_at)
                then 'hard_bounced'
            when push_tokens.is_invalidated then 'token_invalidated'
        end as undeliverable_reason,
        reached.confirmed_at is not null as is_confirmed
    from owned
    left join reached
        on owned.identifier_type = 'email'
            and owned.identifier_value = reached.email
    left join push_tokens
        on owned.identifier_type = 'push_token'
            and owned.identifier_value = push_tokens.push_token

),

ranked as (

    select
        judged.*,
        row_number() over (
            partition by customer_id, identifier_type
            order by
                case when undeliverable_reason is null then 0 else 1 end,
                case when is_confirmed then 0 else 1 end,
                trust_rank,
                last_seen_at desc,
                contact_point_id
        ) as choice_rank
    from judged

),

final as (

    select
        contact_point_id,
        customer_id,
        identifier_type,
        case identifier_type
            when 'postal_address' then 'post'
            when 'push_token' then 'push'
            when 'device' then 'web'
            else identifier_type
        end as channel,
        identifier_value as address,
        {{ sha256_hex("concat(identifier_type, '|', identifier_value)") }}
            as suppression_key,
        undeliverable_reason,
        undeliverable_reason is null as is_deliverable,
        customer_id is not null and choice_rank = 1 as is_primary,
        first_seen_at,
        last_seen_at
    from ranked

)

select * from final
