-- Everybody but test accounts has a score between 0 and 100, in the shares of the active version,
-- and is ready for sales at the chosen threshold only.
with

customers as (

    select * from {{ ref('customers') }}
    where not is_test

),

scores as (

    select * from {{ ref('scores') }}

),

versions as (

    select * from {{ ref('score_versions') }}
    where is_active

),

wrong as (

    select customers.customer_id
    from customers
    left join scores
        on customers.customer_id = scores.customer_id
    left join versions
        on scores.score_version = versions.score_version
    where scores.customer_id is null
        or versions.score_version is null
        or scores.phase is null
        or scores.score not between 0 and 100
        or abs(
            scores.score
            - versions.engagement_share * scores.engagement
            - (1 - versions.engagement_share) * scores.fit
        ) > 0.02
        or (scores.is_sales_ready and scores.score < scores.handover_threshold - 0.01)
        or (not scores.is_sales_ready and scores.score > scores.handover_threshold)

)

select * from wrong
