with

facts as (

    select * from {{ ref('int_fit_facts_dated') }}

),

weights as (

    select * from {{ ref('score_fit_weights') }}

),

-- Of several patterns that a text matches, and several texts of one day, the best counts.
given as (

    select
        weights.score_version,
        facts.customer_id,
        facts.attribute,
        facts.known_on,
        max(weights.points) as points
    from facts
    inner join weights
        on facts.attribute = weights.attribute
            and facts.value like weights.pattern
    group by
        weights.score_version,
        facts.customer_id,
        facts.attribute,
        facts.known_on

)

select * from given
