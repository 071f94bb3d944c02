with

history as (

    select * from {{ ref('int_customer_assignments_recorded') }}

),

-- A record that was one customer until a run, and another one from that run on.
moves as (

    select
        former.customer_id as from_customer_id,
        present.customer_id as to_customer_id,
        present.valid_from_run as run_number,
        max(present.valid_from) as occurred_at,
        count(*) as count_records
    from history as former
    inner join history as present
        on former.node_id = present.node_id
            and former.valid_to_run = present.valid_from_run
    group by
        former.customer_id,
        present.customer_id,
        present.valid_from_run

),

lives as (

    select
        customer_id,
        min(valid_from_run) as first_run,
        max(coalesce(valid_to_run, 999999999)) as last_run
    from history
    group by customer_id

),

former_records as (

    select distinct
        customer_id,
        valid_from_run,
        valid_to_run
    from history

),

-- Whether the former id still had records in the run, and the new one already before it.
judged as (

    select
        moves.from_customer_id,
        moves.to_customer_id,
        moves.run_number,
        moves.occurred_at,
        moves.count_records,
        max(case
            when remaining.customer_id is not null then 1 else 0
        end) as is_from_alive,
        max(case
            when earlier.customer_id is not null then 1 else 0
        end) as was_to_alive,
        max(case
            when lives.first_run < moves.run_number then 1 else 0
        end) as is_to_known
    from moves
    inner join lives
        on moves.to_customer_id = lives.customer_id
    left join former_records as remaining
        on moves.from_customer_id = remaining.customer_id
            and remaining.valid_from_run <= moves.run_number
            and coalesce(remaining.valid_to_run, 999999999) > moves.run_number
    left join former_records as earlier
        on moves.to_customer_id = earlier.customer_id
            and earlier.valid_from_run < moves.run_number
            and coalesce(earlier.valid_to_run, 999999999) >= moves.run_number
    group by
        moves.from_customer_id,
        moves.to_customer_id,
        moves.run_number,
        moves.occurred_at,
        moves.count_records

),

final as (

    select
        {{ dbt.hash(
            "concat(from_customer_id, to_customer_id, cast(run_number as "
            ~ dbt.type_string() ~ "))"
        ) }} as customer_merge_id,
        case
            when is_from_alive = 0 and was_to_alive = 1 then 'merge'
            when is_from_alive = 0 then 'rename'
            when was_to_alive = 1 then 'move'
            when is_to_known = 1 then 'restore'
            else 'split'
        end as event,
        from_customer_id,
        to_customer_id,
        count_records,
        run_number,
        occurred_at
    from judged

)

select * from final
