{#- CTEs that end in `named` (component_id, customer_id): which customer the components of a run
    are, given CTEs `components`, `records` (node_id, record_key) and `history` (the assignments of
    earlier runs).

    Only components are looked at whose records were several customers or none, or whose customer
    has records elsewhere. An id is at home where the record is that it was first given for. Of
    the ids at home in a component the one issued first stays; an id that was merged away comes
    back only where no living one is. A component without any gets the hash of its oldest
    record, salted with the run when that id lives elsewhere. -#}
{% macro kept_customer_ids() %}
runs as (

    select
        case
            when max(coalesce(valid_to_run, 0)) > max(valid_from_run)
                then max(coalesce(valid_to_run, 0))
            else coalesce(max(valid_from_run), 0)
        end + 1 as run_number
    from history

),

held as (

    select
        node_id,
        customer_id,
        valid_from_run,
        valid_from
    from history
    where valid_to_run is null

),

-- What every record was, and what it is now; either may be missing.
compared as (

    select
        coalesce(held.node_id, components.node_id) as node_id,
        held.customer_id,
        held.valid_from_run,
        held.valid_from,
        components.component_id
    from held
    full outer join components
        on held.node_id = components.node_id

),

parts as (

    select
        component_id,
        customer_id,
        count(*) as count_records
    from compared
    group by
        component_id,
        customer_id

),

component_parts as (

    select
        component_id,
        count(*) as count_parts,
        count(customer_id) as count_customers
    from parts
    where component_id is not null
    group by component_id

),

customer_parts as (

    select
        customer_id,
        count(*) as count_parts
    from parts
    where customer_id is not null
    group by customer_id

),

touched as (

    select distinct parts.component_id
    from parts
    inner join component_parts
        on parts.component_id = component_parts.component_id
    left join customer_parts
        on parts.customer_id = customer_parts.customer_id
    where component_parts.count_parts > 1
        or component_parts.count_customers = 0
        or customer_parts.count_parts > 1

),

-- Ids that touched records bear, and ids that nobody bears any more.
concerned as (

    select distinct parts.customer_id
    from parts
    inner join touched
        on parts.component_id = touched.component_id
    where parts.customer_id is not null
    union
    select former.customer_id
    from history as former
    left join customer_parts
        on former.customer_id = customer_parts.customer_id
    where former.valid_to_run is not null
        and customer_parts.customer_id is null

),

issued as (

    select
        history.customer_id,
        min(history.valid_from_run) as issued_run,
        max(case when history.valid_to_run is null then 1 else 0 end) as is_live
    from history
    inner join concerned
        on history.customer_id = concerned.customer_id
    group by history.customer_id

),

anchors as (

    select
        issued.customer_id,
        issued.issued_run,
        issued.is_live,
        min(history.node_id) as anchor_node_id
    from issued
    inner join history
        on issued.customer_id = history.customer_id
            and issued.issued_run = history.valid_from_run
    group by
        issued.customer_id,
        issued.issued_run,
        issued.is_live

),

candidates as (

    select
        anchors.*,
        components.component_id,
        1 as has_anchor,
        0 as count_records
    from anchors
    inner join components
        on anchors.anchor_node_id = components.node_id
    inner join touched
        on components.component_id = touched.component_id
    union all
    select
        anchors.*,
        parts.component_id,
        0 as has_anchor,
        parts.count_records
    from parts
    inner join touched
        on parts.component_id = touched.component_id
    inner join anchors
        on parts.customer_id = anchors.customer_id

),

ranked_homes as (

    select
        candidates.*,
        row_number() over (
            partition by customer_id
            order by has_anchor desc, count_records desc, component_id
        ) as home_rank
    from candidates

),

ranked_keepers as (

    select
        ranked_homes.*,
        row_number() over (
            partition by component_id
            order by is_live desc, issued_run, anchor_node_id, customer_id
        ) as keeper_rank
    from ranked_homes
    where home_rank = 1

),

fresh as (

    select
        touched.component_id,
        {{ dbt.hash('records.record_key') }} as plain_id,
        {{ dbt.hash("concat(records.record_key, '#', cast(runs.run_number as "
            ~ dbt.type_string() ~ "))") }} as salted_id
    from touched
    inner join records
        on touched.component_id = records.node_id
    left join ranked_keepers
        on touched.component_id = ranked_keepers.component_id
            and ranked_keepers.keeper_rank = 1
    cross join runs
    where ranked_keepers.component_id is null

),

taken as (

    select distinct history.customer_id
    from history
    inner join fresh
        on history.customer_id = fresh.plain_id

),

named as (

    select
        component_id,
        customer_id
    from ranked_keepers
    where keeper_rank = 1
    union all
    select
        fresh.component_id,
        case
            when taken.customer_id is null then fresh.plain_id else fresh.salted_id
        end as customer_id
    from fresh
    left join taken
        on fresh.plain_id = taken.customer_id

)
{% endmacro %}
