with

features as (

    {{ customer_features(ref('int_feature_spine')) }}

),

typed as (

    select
        {{ customer_feature_columns() }}
    from features

)

select * from typed
