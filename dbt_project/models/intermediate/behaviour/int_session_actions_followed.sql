with

steps as (

    select * from {{ ref('int_session_steps_taken') }}

),

followed as (

    select
        session_id,
        step_number,
        next_action,
        seconds_to_next
    from steps
    where next_action is not null

)

select * from followed
