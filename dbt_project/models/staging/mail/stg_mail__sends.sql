with

{{ newest_versions(source('mail', 'sends'), ['send_id']) }},

renamed as (

    select
        send_id,
        subscriber_id as mail_subscriber_id,
        campaign_id,
        campaign_name,
        sent_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
