with

events as (

    select * from {{ source('web', 'events') }}

),

repeated as (

    select event_id
    from events
    group by event_id
    having count(*) > 1

)

select * from repeated
