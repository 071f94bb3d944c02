{%- set quiet_days = 7 -%}
{%- set so_far = 'partition by segment order by size_date '
    ~ 'rows between unbounded preceding' -%}

with

judged as (

    select * from {{ ref('int_segment_sizes_judged') }}

),

flagged as (

    select
        judged.*,
        lag(size_date) over (partition by segment order by size_date) as former_date,
        max(case when is_deviating then size_date end)
            over ({{ so_far }} and 1 preceding) as former_deviating_date,
        max(size_date) over () as newest_date
    from judged

),

-- Around a limit verdicts change to and fro; only a quiet week ends a deviation.
begun as (

    select
        flagged.*,
        case
            when former_deviating_date
                >= {{ dbt.dateadd('day', -quiet_days, 'size_date') }}
                then null
            when is_deviating then measured_at
        end as begins_at
    from flagged

),

final as (

    select
        segment,
        size_date,
        measured_at,
        count_members,
        cast(usual_count as {{ type_double() }}) as usual_count,
        cast(robust_z as {{ type_double() }}) as robust_z,
        cast(p_value as {{ type_double() }}) as p_value,
        verdict,
        is_deviating,
        case
            when is_deviating
                then max(begins_at) over ({{ so_far }} and current row)
        end as deviating_since,
        is_recorded,
        cast(
            coalesce({{ dbt.datediff('former_date', 'size_date', 'day') }} - 1, 0)
            as {{ dbt.type_bigint() }}
        ) as count_days_missing,
        size_date = newest_date as is_current
    from begun

)

select * from final
