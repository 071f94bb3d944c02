with

subscriber_versions as (

    select * from {{ ref('stg_mail__subscriber_versions') }}
    where email is not null

),

responses as (

    select * from {{ ref('stg_mail__responses') }}
    where response_type in ('unsubscribe', 'complaint')

),

sends as (

    select * from {{ ref('stg_mail__sends') }}

),

addresses as (

    select distinct
        mail_subscriber_id,
        email
    from subscriber_versions

),

-- A response need not say whose it is: its message knows.
answered as (

    select
        responses.response_type,
        responses.occurred_at,
        coalesce(responses.mail_subscriber_id, sends.mail_subscriber_id)
            as mail_subscriber_id
    from responses
    left join sends
        on responses.send_id = sends.send_id

),

-- Where the tool keeps no date of it, by the time of that version at the latest.
departed as (

    select
        email,
        'withdrawn' as status,
        coalesce(
            unsubscribed_at,
            updated_at,
            cast(arrived_on as {{ dbt.type_timestamp() }})
        ) as occurred_at
    from subscriber_versions
    where unsubscribed_at is not null
        or status = 'unsubscribed'
    union
    select
        addresses.email,
        case answered.response_type
            when 'complaint' then 'objected'
            else 'withdrawn'
        end as status,
        answered.occurred_at
    from answered
    inner join addresses
        on answered.mail_subscriber_id = addresses.mail_subscriber_id

)

select * from departed
