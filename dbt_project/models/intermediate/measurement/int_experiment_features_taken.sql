with

features as (

    {{ customer_features(ref('int_experiment_moments_spined')) }}

),

typed as (

    select
        {{ customer_feature_columns() }}
    from features

)

select * from typed
