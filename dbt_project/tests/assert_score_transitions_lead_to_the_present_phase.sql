-- Each change begins where the one before ended, and the last one is the phase in scores.
with

transitions as (

    select
        *,
        lag(to_phase) over (
            partition by customer_id order by transition_number
        ) as former_phase,
        lag(left_on) over (
            partition by customer_id order by transition_number
        ) as former_left_on
    from {{ ref('score_transitions') }}

),

scores as (

    select * from {{ ref('scores') }}

),

wrong as (

    select transitions.customer_id
    from transitions
    inner join scores
        on transitions.customer_id = scores.customer_id
    where transitions.from_phase = transitions.to_phase
        or transitions.from_phase
        <> coalesce(transitions.former_phase, transitions.from_phase)
        or transitions.changed_on
        <> coalesce(transitions.former_left_on, transitions.changed_on)
        or (
            transitions.left_on is null
            and (
                transitions.to_phase <> scores.phase
                or transitions.changed_on <> scores.phase_since
            )
        )

)

select * from wrong
