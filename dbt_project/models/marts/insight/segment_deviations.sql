{%- set largest_z = 4 -%}
{%- set false_discovery_rate = 0.05 -%}
{%- set quiet_days = 7 -%}
{%- set of_the_day = 'partition by tested.size_date' -%}
{%- set so_far = 'partition by segment order by size_date '
    ~ 'rows between unbounded preceding' -%}

with

segments as (

    select * from {{ ref('segments') }}

),

compared as (

    select * from {{ ref('int_segment_sizes_compared') }}

),

tested as (

    select
        compared.*,
        {{ student_t_p_value('robust_z') }} as p_value
    from compared

),

-- Benjamini and Hochberg: the more segments are looked at, the more must be seen in one.
ranked as (

    select
        tested.*,
        count(p_value) over ({{ of_the_day }}) as count_tested,
        count(p_value) over ({{ of_the_day }} order by p_value) as p_rank
    from tested

),

corrected as (

    select
        ranked.*,
        max(
            case
                when p_value <= {{ false_discovery_rate }} * p_rank / count_tested
                    then p_value
            end
        ) over (partition by size_date) as largest_p_value
    from ranked

),

judged as (

    select
        corrected.*,
        lag(corrected.size_date) over (
            partition by corrected.segment order by corrected.size_date
        ) as former_date,
        case
            when corrected.count_members < segments.lowest_size
                or corrected.count_members > segments.highest_size
                then 'outside_norm'
            when corrected.robust_z is null then 'too_little_history'
            when abs(corrected.robust_z) > {{ largest_z }}
                and corrected.p_value <= corrected.largest_p_value
                then 'deviating'
            else 'usual'
        end as verdict
    from corrected
    inner join segments
        on corrected.segment = segments.segment

),

flagged as (

    select
        judged.*,
        verdict in ('deviating', 'outside_norm') as is_deviating,
        max(case when verdict in ('deviating', 'outside_norm') then size_date end)
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
