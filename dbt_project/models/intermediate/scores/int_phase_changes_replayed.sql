{%- set by_customer = 'partition by score_version, customer_id order by changed_on' -%}

with

clock as (

    select {{ to_local_date('as_of') }} as today from {{ ref('stg_landing__clock') }}

),

limits_dated as (

    select * from {{ ref('int_phase_limits_dated') }}

),

-- Who never reaches a phase never leaves it.
reached as (

    select distinct
        score_version,
        customer_id,
        phase_number
    from limits_dated
    where is_reached = 1

),

limits as (

    select limits_dated.*
    from limits_dated
    inner join reached
        on limits_dated.score_version = reached.score_version
            and limits_dated.customer_id = reached.customer_id
            and limits_dated.phase_number = reached.phase_number

),

-- Reached by news, lost by news or by silence; between the two limits everybody stays.
judged as (

    select
        score_version,
        customer_id,
        phase_number,
        scored_on as changed_on,
        is_reached
    from limits
    where is_reached is not null
    union all
    select
        limits.score_version,
        limits.customer_id,
        limits.phase_number,
        limits.falls_on as changed_on,
        0 as is_reached
    from limits
    cross join clock
    where limits.falls_on <= clock.today
        and coalesce(limits.falls_on < limits.next_scored_on, true)

),

compared as (

    select
        judged.*,
        is_reached - coalesce(
            lag(is_reached) over (
                partition by score_version, customer_id, phase_number
                order by changed_on
            ),
            0
        ) as step
    from judged

),

moved as (

    select
        score_version,
        customer_id,
        changed_on,
        sum(step) as steps
    from compared
    where step <> 0
    group by score_version, customer_id, changed_on

),

-- Who reaches a phase has reached all before it, so phases are counted.
counted as (

    select
        moved.*,
        sum(steps) over (
            {{ by_customer }} rows between unbounded preceding and current row
        ) as phase_number
    from moved

),

replayed as (

    select
        score_version,
        customer_id,
        row_number() over ({{ by_customer }}) as change_number,
        cast(phase_number - steps as {{ dbt.type_int() }}) as former_phase_number,
        cast(phase_number as {{ dbt.type_int() }}) as phase_number,
        changed_on,
        lead(changed_on) over ({{ by_customer }}) as left_on
    from counted

)

select * from replayed
