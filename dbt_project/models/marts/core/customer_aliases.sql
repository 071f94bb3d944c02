with

history as (

    select * from {{ ref('int_customer_assignments_recorded') }}

),

current_assignments as (

    select
        node_id,
        customer_id
    from history
    where valid_to_run is null

),

live as (

    select distinct customer_id from current_assignments

),

retired as (

    select
        history.customer_id,
        min(history.valid_from_run) as first_run,
        max(history.valid_to) as retired_at
    from history
    left join live
        on history.customer_id = live.customer_id
    where live.customer_id is null
    group by history.customer_id

),

-- Whoever has the record now that the id was given for.
first_records as (

    select
        retired.customer_id,
        retired.retired_at,
        min(history.node_id) as node_id
    from retired
    inner join history
        on retired.customer_id = history.customer_id
            and retired.first_run = history.valid_from_run
    group by
        retired.customer_id,
        retired.retired_at

),

final as (

    select
        first_records.customer_id as former_customer_id,
        current_assignments.customer_id,
        first_records.retired_at
    from first_records
    left join current_assignments
        on first_records.node_id = current_assignments.node_id

)

select * from final
