with

changes as (

    select * from {{ ref('int_phase_changes_replayed') }}

),

versions as (

    select * from {{ ref('score_versions') }}
    where is_active

),

bands as (

    select * from {{ ref('score_phase_bands') }}

),

final as (

    select
        changes.customer_id,
        cast(changes.change_number as {{ dbt.type_bigint() }}) as transition_number,
        former_bands.phase as from_phase,
        bands.phase as to_phase,
        changes.changed_on,
        changes.left_on,
        changes.phase_number > changes.former_phase_number as is_advance,
        changes.score_version
    from changes
    inner join versions
        on changes.score_version = versions.score_version
    inner join bands
        on changes.score_version = bands.score_version
            and changes.phase_number = bands.phase_number
    inner join bands as former_bands
        on changes.score_version = former_bands.score_version
            and changes.former_phase_number = former_bands.phase_number

)

select * from final
