{{
    config(
        materialized='incremental', incremental_strategy='delete+insert', unique_key='node_id'
    )
}}

with

collected as (

    select * from {{ ref('int_identity_claims_drawn') }}

),

{% if is_incremental() %}
known as (

    select
        node_id,
        kind,
        level,
        claim_key,
        claim_value,
        max_values
    from {{ this }}
    where kind <> 'nothing'

),

appeared as (

    select * from collected
    {{ dbt.except() }}
    select * from known

),

disappeared as (

    select * from known
    {{ dbt.except() }}
    select * from collected

),

changed as (

    select node_id from appeared
    union
    select node_id from disappeared

),

-- Who claims less than before is remembered, so that what they were joined to is decided anew.
stated as (

    select collected.*
    from collected
    inner join changed
        on collected.node_id = changed.node_id
    union all
    select distinct
        node_id,
        'nothing' as kind,
        0 as level,
        '' as claim_key,
        '' as claim_value,
        0 as max_values
    from disappeared

),

{% else %}
stated as (

    select * from collected

),

{% endif %}
-- Later than every change before, also where a machine's clock was set back.
last_changed as (

    {% if is_incremental() %}
    select max(changed_at) as changed_at from {{ this }}
    {% else %}
    select cast(null as {{ dbt.type_timestamp() }}) as changed_at
    {% endif %}

),

final as (

    select
        stated.*,
        case
            when last_changed.changed_at >= {{ run_start() }}
                then {{ dbt.dateadd('second', 1, 'last_changed.changed_at') }}
            else {{ run_start() }}
        end as changed_at
    from stated
    cross join last_changed

)

select * from final
