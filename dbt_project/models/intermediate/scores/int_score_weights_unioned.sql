with

fit_weights as (

    select * from {{ ref('score_fit_weights') }}

),

activity_weights as (

    select * from {{ ref('score_activity_weights') }}

),

unioned as (

    select
        score_version,
        'fit' as weight_kind,
        attribute,
        pattern as trait,
        cast(points as {{ type_double() }}) as points
    from fit_weights
    union all
    select
        score_version,
        'activity' as weight_kind,
        'all' as attribute,
        activity_type as trait,
        cast(points * specificity * closeness as {{ type_double() }}) as points
    from activity_weights

)

select * from unioned
