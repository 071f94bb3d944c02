-- The left side of a comparison is what scores says, and ranks begin at 1 on both sides.
with

comparisons as (

    select * from {{ ref('score_comparisons') }}

),

scores as (

    select * from {{ ref('scores') }}

),

wrong as (

    select comparisons.lead_kind
    from comparisons
    inner join scores
        on comparisons.customer_id = scores.customer_id
    where comparisons.score_version <> scores.score_version
        or comparisons.phase <> scores.phase
        or abs(comparisons.score - scores.score) > 0.01
    union all
    select lead_kind
    from comparisons
    group by other_score_version, lead_kind
    having min(score_rank) <> 1 or min(other_score_rank) <> 1

)

select * from wrong
