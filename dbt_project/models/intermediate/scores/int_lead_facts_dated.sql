with

leads as (

    select distinct customer_id from {{ ref('int_lead_moments_taken') }}

),

facts as (

    select * from {{ ref('int_fit_facts_dated') }}

),

weights as (

    select fit_weights.*
    from {{ ref('score_fit_weights') }} as fit_weights
    inner join {{ ref('score_versions') }} as versions
        on fit_weights.score_version = versions.score_version
            and versions.is_active

),

-- What has no weight only says that the attribute was told anew.
dated as (

    select
        facts.customer_id,
        facts.attribute,
        weights.pattern as trait,
        weights.points,
        facts.known_on
    from facts
    inner join leads
        on facts.customer_id = leads.customer_id
    left join weights
        on facts.attribute = weights.attribute
            and facts.value like weights.pattern

)

select * from dated
