with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

judged as (

    select * from {{ ref('int_score_weights_judged') }}

),

scales as (

    select * from {{ ref('int_fit_scales_measured') }}

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
