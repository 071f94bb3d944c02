with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

subscribers as (

    select * from {{ ref('stg_mail__subscribers') }}

),

responses as (

    select * from {{ ref('stg_mail__responses') }}

),

reactions as (

    select
        mail_subscriber_id,
        max(case when response_type = 'bounce_hard' then occurred_at end) as bounced_at,
        max(
            case
                when response_type = 'click'
                    or (response_type = 'open' and not is_machine)
                    then occurred_at
            end
        ) as engaged_at,
        max(case when response_type = 'complaint' then occurred_at end) as complained_at
    from responses
    cross join clock
    where responses.occurred_at <= clock.as_of
        and response_type in ('bounce_hard', 'click', 'open', 'complaint')
    group by mail_subscriber_id

),

summed as (

    select
        subscribers.email,
        max(reactions.bounced_at) as bounced_at,
        max(reactions.engaged_at) as engaged_at,
        max(reactions.complained_at) as complained_at,
        max(subscribers.confirmed_at) as confirmed_at,
        max(
            case when subscribers.status = 'cleaned' then subscribers.updated_at end
        ) as cleaned_at
    from subscribers
    left join reactions
        on subscribers.mail_subscriber_id = reactions.mail_subscriber_id
    where subscribers.email is not null
    group by subscribers.email

),

reached as (

    select
        email,
        case
            when bounced_at is null or cleaned_at > bounced_at then cleaned_at
            else bounced_at
        end as failed_at,
        case
            when engaged_at is null or confirmed_at > engaged_at then confirmed_at
            else engaged_at
        end as answered_at,
        complained_at,
        confirmed_at
    from summed

)

select * from reached
