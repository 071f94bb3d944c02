with

current_scores as (

    select * from {{ ref('int_scores_current') }}

),

ranked as (

    select
        current_scores.*,
        rank() over (
            partition by score_version, lead_kind order by score desc
        ) as score_rank
    from current_scores

),

compared as (

    select
        active.customer_id,
        active.lead_kind,
        active.score_version,
        other.score_version as other_score_version,
        cast(active.score as {{ type_double() }}) as score,
        cast(other.score as {{ type_double() }}) as other_score,
        cast(active.score_rank as {{ dbt.type_bigint() }}) as score_rank,
        cast(other.score_rank as {{ dbt.type_bigint() }}) as other_score_rank,
        cast(other.score_rank - active.score_rank as {{ dbt.type_bigint() }})
            as rank_change,
        active.phase,
        other.phase as other_phase,
        active.phase_number <> other.phase_number as has_other_phase
    from ranked as active
    inner join ranked as other
        on active.customer_id = other.customer_id
            and active.is_active
            and not other.is_active

)

select * from compared
