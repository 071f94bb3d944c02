{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['segment', 'size_date'],
        on_schema_change='append_new_columns',
        full_refresh=false
    )
}}

with

measured as (

    select * from {{ ref('int_segment_sizes_measured') }}

),

-- What a run saw is kept as it was seen: data that vanish take their history along, and a size
-- that is computed again would never have been larger. Only days without a run are filled.
kept as (

    select measured.*
    from measured
    {% if is_incremental() %}
    left join {{ this }} as recorded
        on measured.segment = recorded.segment
            and measured.size_date = recorded.size_date
            and measured.definition = recorded.definition
    where measured.is_current
        or recorded.segment is null
    {% endif %}

),

final as (

    select
        segment,
        size_date,
        measured_at,
        count_members,
        is_current as is_recorded,
        definition
    from kept

)

select * from final
