{#- Twenty points double the odds, the usual scale of points cards. -#}
{%- set points_per_log_odds = '20 / ln(cast(2 as ' ~ type_double() ~ '))' -%}
{%- set sales_required = 30 -%}
{%- set z_95 = 1.96 -%}

with

versions as (

    select * from {{ ref('score_versions') }}
    where is_active

),

pooled as (

    select * from {{ ref('int_lead_traits_weighed') }}

),

weights as (

    select * from {{ ref('int_score_weights_unioned') }}

),

measured as (

    select
        weights.score_version,
        weights.weight_kind,
        weights.attribute,
        weights.trait,
        weights.points,
        coalesce(pooled.count_leads, 0) as count_leads,
        coalesce(pooled.count_sales, 0) as count_sales,
        pooled.log_odds * {{ points_per_log_odds }} as evidence_points,
        pooled.standard_error * {{ z_95 }} * {{ points_per_log_odds }} as half_width
    from weights
    inner join versions
        on weights.score_version = versions.score_version
    left join pooled
        on weights.weight_kind = pooled.weight_kind
            and weights.attribute = pooled.attribute
            and weights.trait = pooled.trait

),

judged as (

    select
        measured.*,
        coalesce(
            count_sales >= {{ sales_required }} and abs(evidence_points) > half_width,
            false
        ) as is_proven
    from measured

)

select * from judged
