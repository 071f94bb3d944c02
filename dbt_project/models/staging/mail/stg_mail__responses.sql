with

{{ newest_versions(source('mail', 'responses'), ['response_id']) }},

renamed as (

    select
        response_id,
        send_id,
        subscriber_id as mail_subscriber_id,
        lower(response_type) as response_type,
        coalesce(is_machine, false) as is_machine,
        occurred_at,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
