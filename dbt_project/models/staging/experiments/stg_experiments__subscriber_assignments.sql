with

{{ newest_versions(
    source('experiments', 'subscriber_assignments'),
    ['experiment', 'subscriber_id', 'assigned_at']
) }},

renamed as (

    select
        {{ blank_to_null('experiment') }} as experiment,
        {{ blank_to_null('subscriber_id') }} as mail_subscriber_id,
        {{ blank_to_null('variant') }} as variant,
        assigned_at,
        contact_cost,
        _arrived_on as arrived_on,
        count_rivals
    from newest

)

select * from renamed
