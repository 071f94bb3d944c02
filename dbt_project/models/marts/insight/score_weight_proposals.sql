{#- Twenty points double the odds, the usual scale of points cards. -#}
{%- set points_per_log_odds = '20 / ln(cast(2 as ' ~ type_double() ~ '))' -%}
{%- set sales_required = 30 -%}
{%- set z_95 = 1.96 -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

versions as (

    select * from {{ ref('score_versions') }}
    where is_active

),

pooled as (

    select * from {{ ref('int_lead_traits_weighed') }}

),

scales as (

    select * from {{ ref('int_fit_scales_measured') }}

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

),

-- Activities add up to engagement, whose scale is the version's own: together those that speak
-- for a sale keep the weight they have.
speaking as (

    select
        weight_kind,
        sum(points) / sum(evidence_points) as points_per_evidence
    from judged
    where is_proven and evidence_points > 0
    group by weight_kind

),

-- The points of a fact are counted from those of an unknown one, which has no evidence.
proposed as (

    select
        judged.*,
        case
            when not judged.is_proven then null
            when judged.weight_kind = 'fit'
                then round(scales.unknown_points + judged.evidence_points, 0)
            when judged.evidence_points <= 0 then 0
            else round(judged.evidence_points * speaking.points_per_evidence, 1)
        end as proposed_points
    from judged
    left join scales
        on judged.score_version = scales.score_version
            and judged.attribute = scales.attribute
    left join speaking
        on judged.weight_kind = speaking.weight_kind

),

final as (

    select
        proposed.score_version,
        clock.as_of,
        proposed.weight_kind,
        proposed.attribute,
        proposed.trait,
        proposed.points as current_points,
        cast(
            case
                when proposed.proposed_points < 0 then 0
                else proposed.proposed_points
            end as {{ type_double() }}
        ) as proposed_points,
        cast(round(proposed.evidence_points, 1) as {{ type_double() }})
            as evidence_points,
        cast(
            round(proposed.evidence_points - proposed.half_width, 1)
            as {{ type_double() }}
        ) as evidence_points_low,
        cast(
            round(proposed.evidence_points + proposed.half_width, 1)
            as {{ type_double() }}
        ) as evidence_points_high,
        cast(proposed.count_leads as {{ dbt.type_bigint() }}) as count_leads,
        cast(proposed.count_sales as {{ dbt.type_bigint() }}) as count_sales,
        proposed.is_proven
    from proposed
    cross join clock

)

select * from final
