with

activity_declines as (

    select * from {{ ref('activity_declines') }}
    where activity_kind <> 'all'

),

dated as (

    select
        activity_declines.*,
        cast(cast(flagged_at as date) as {{ dbt.type_string() }}) as flagged_text
    from activity_declines

),

-- What all activity together tells is not news beside its parts.
declined as (

    select
        customer_id,
        'activity_declined' as moment,
        concat(activity_kind, '|', flagged_text) as entry_key,
        flagged_at as occurred_at,
        flagged_at as detected_at,
        concat('insight/activity_declines:', activity_kind) as evidence
    from dated

)

select * from declined
