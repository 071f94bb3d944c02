with

current_scores as (

    select * from {{ ref('int_scores_current') }}
    where is_active

),

main_activities as (

    select * from {{ ref('int_main_activities_ranked') }}

),

fit_points as (

    select * from {{ ref('int_fit_points_given') }}

),

handover_curve as (

    select * from {{ ref('handover_curve') }}
    where is_chosen

),

attributes as (

    select
        score_version,
        customer_id,
        count(distinct attribute) as count_attributes
    from fit_points
    group by score_version, customer_id

),

joined as (

    select
        current_scores.*,
        main_activities.activity_type as main_activity_type,
        coalesce(attributes.count_attributes, 0) as count_known_attributes,
        handover_curve.threshold as handover_threshold,
        coalesce(current_scores.score >= handover_curve.threshold, false)
            as is_sales_ready
    from current_scores
    left join main_activities
        on current_scores.customer_id = main_activities.customer_id
    left join attributes
        on current_scores.score_version = attributes.score_version
            and current_scores.customer_id = attributes.customer_id
    left join handover_curve
        on current_scores.score_version = handover_curve.score_version
            and current_scores.lead_kind = handover_curve.lead_kind

),

explained as (

    select
        *,
        case
            when main_activity_type is null then ', nothing lately'
            else {{ dbt.concat(["', mostly '", 'main_activity_type']) }}
        end as activity_text
    from joined

),

final as (

    select
        customer_id,
        as_of,
        score_version,
        lead_kind,
        cast(round(score, 2) as {{ type_double() }}) as score,
        cast(round(fit, 2) as {{ type_double() }}) as fit,
        cast(round(engagement, 2) as {{ type_double() }}) as engagement,
        cast(round(engagement_points, 2) as {{ type_double() }}) as engagement_points,
        phase,
        phase_since,
        cast(count_known_attributes as {{ dbt.type_bigint() }})
            as count_known_attributes,
        main_activity_type,
        last_news_on,
        cast(handover_threshold as {{ dbt.type_bigint() }}) as handover_threshold,
        is_sales_ready,
        {{ dbt.concat([
            "'engagement '", as_text('engagement'), 'activity_text',
            "'; fit '", as_text('fit'), "', attributes known: '",
            as_text('count_known_attributes'),
        ]) }} as reason
    from explained

)

select * from final
