{%- set largest_z = 4 -%}
{%- set false_discovery_rate = 0.05 -%}
{%- set of_the_day = 'partition by tested.size_date' -%}

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

decided as (

    select
        corrected.*,
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

judged as (

    select
        segment,
        size_date,
        measured_at,
        count_members,
        usual_count,
        robust_z,
        p_value,
        verdict,
        verdict in ('deviating', 'outside_norm') as is_deviating,
        is_recorded
    from decided

)

select * from judged
