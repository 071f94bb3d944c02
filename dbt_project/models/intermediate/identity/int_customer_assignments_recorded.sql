{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['node_id', 'valid_from_run'],
        full_refresh=false
    )
}}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

components as (

    select * from {{ ref('int_identity_components_connected') }}

),

records as (

    select
        node_id,
        concat(source, ':', source_record_key) as record_key
    from {{ ref('int_identity_nodes_registered') }}

),

{% if is_incremental() %}
history as (

    select * from {{ this }}

),

runs as (

    select
        coalesce(
            case
                when max(valid_to_run) > max(valid_from_run) then max(valid_to_run)
                else max(valid_from_run)
            end,
            0
        ) + 1 as run_number
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

overlaps as (

    select
        component_id,
        customer_id,
        count(*) as count_records
    from compared
    group by
        component_id,
        customer_id

),

counted_components as (

    select
        component_id,
        count(*) as count_parts,
        count(customer_id) as count_customers
    from overlaps
    where component_id is not null
    group by component_id

),

counted_customers as (

    select
        customer_id,
        count(*) as count_parts
    from overlaps
    where customer_id is not null
    group by customer_id

),

-- Nothing is to be decided about a component that has one customer, who has nothing else.
touched as (

    select distinct overlaps.component_id
    from overlaps
    inner join counted_components
        on overlaps.component_id = counted_components.component_id
    left join counted_customers
        on overlaps.customer_id = counted_customers.customer_id
    where counted_components.count_parts > 1
        or counted_components.count_customers = 0
        or counted_customers.count_parts > 1

),

-- Every id ever given, and the record it was given for.
issued as (

    select
        history.customer_id,
        min(history.valid_from_run) as issued_run,
        max(case when history.valid_to_run is null then 1 else 0 end) as is_live
    from history
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

-- An id goes where its first record is; failing that, a live one, where most of its records are.
claims as (

    select
        anchors.customer_id,
        components.component_id,
        anchors.issued_run,
        anchors.anchor_node_id,
        anchors.is_live,
        1 as has_anchor,
        0 as count_records
    from anchors
    inner join components
        on anchors.anchor_node_id = components.node_id
    inner join touched
        on components.component_id = touched.component_id
    union all
    select
        overlaps.customer_id,
        overlaps.component_id,
        anchors.issued_run,
        anchors.anchor_node_id,
        anchors.is_live,
        0 as has_anchor,
        overlaps.count_records
    from overlaps
    inner join touched
        on overlaps.component_id = touched.component_id
    inner join anchors
        on overlaps.customer_id = anchors.customer_id

),

ranked_homes as (

    select
        claims.*,
        row_number() over (
            partition by customer_id
            order by has_anchor desc, count_records desc, component_id
        ) as home_rank
    from claims

),

-- Of the ids at home in a component the oldest stays; one that was merged away returns only
-- where no living one is.
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

kept as (

    select
        component_id,
        customer_id
    from ranked_keepers
    where keeper_rank = 1

),

fresh as (

    select
        touched.component_id,
        {{ dbt.hash('records.record_key') }} as plain_id,
        {{ dbt.hash("concat(records.record_key, '#', cast(runs.run_number as "
            ~ dbt.type_string() ~ "))") }} as salted_id
    from touched
    left join kept
        on touched.component_id = kept.component_id
    inner join records
        on touched.component_id = records.node_id
    cross join runs
    where kept.component_id is null

),

named as (

    select
        component_id,
        customer_id
    from kept
    union all
    select
        fresh.component_id,
        case when anchors.customer_id is null then plain_id else salted_id end as customer_id
    from fresh
    left join anchors
        on fresh.plain_id = anchors.customer_id

),

moved as (

    select
        compared.node_id,
        compared.customer_id as former_id,
        compared.valid_from_run,
        compared.valid_from,
        named.customer_id
    from compared
    left join named
        on compared.component_id = named.component_id
    where compared.component_id is null
        or (
            named.customer_id is not null
            and coalesce(compared.customer_id, '') <> named.customer_id
        )

),

recorded as (

    select
        moved.node_id,
        moved.former_id as customer_id,
        moved.valid_from_run,
        moved.valid_from,
        runs.run_number as valid_to_run,
        clock.as_of as valid_to
    from moved
    cross join runs
    cross join clock
    where moved.former_id is not null
    union all
    select
        moved.node_id,
        moved.customer_id,
        runs.run_number as valid_from_run,
        clock.as_of as valid_from,
        cast(null as {{ dbt.type_bigint() }}) as valid_to_run,
        cast(null as {{ dbt.type_timestamp() }}) as valid_to
    from moved
    cross join runs
    cross join clock
    where moved.customer_id is not null

)

{% else %}
-- A customer is named after the oldest record.
recorded as (

    select
        components.node_id,
        {{ dbt.hash('records.record_key') }} as customer_id,
        cast(1 as {{ dbt.type_bigint() }}) as valid_from_run,
        clock.as_of as valid_from,
        cast(null as {{ dbt.type_bigint() }}) as valid_to_run,
        cast(null as {{ dbt.type_timestamp() }}) as valid_to
    from components
    inner join records
        on components.component_id = records.node_id
    cross join clock

)

{% endif %}
select * from recorded
