with

versions as (

    select * from {{ ref('score_versions') }}
    where is_active

),

snapshots as (

    select
        snapshots.lead_kind,
        snapshots.snapshot_on,
        snapshots.customer_id,
        case when snapshots.is_sale then 1 else 0 end as sale
    from {{ ref('int_lead_snapshots_taken') }} as snapshots
    inner join versions
        on snapshots.score_version = versions.score_version

),

traits as (

    select * from {{ ref('int_lead_traits_found') }}

),

-- Who does one thing of a family does most of it, so a family is one: the first word of a type.
acts as (

    select
        customer_id,
        snapshot_on,
        count(distinct {{ dbt.split_part('trait', "'_'", 1) }}) as count_families
    from traits
    where weight_kind = 'activity'
    group by customer_id, snapshot_on

),

counted as (

    select
        snapshots.*,
        coalesce(acts.count_families, 0) as count_families
    from snapshots
    left join acts
        on snapshots.customer_id = acts.customer_id
            and snapshots.snapshot_on = acts.snapshot_on

)

select * from counted
