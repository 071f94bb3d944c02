{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['node_id', 'valid_from_run'],
        full_refresh=false
    )
}}
{% set no_run = 'cast(null as ' ~ dbt.type_bigint() ~ ')' %}
{% set never = 'cast(null as ' ~ dbt.type_timestamp() ~ ')' %}

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

{{ kept_customer_ids() }},

moved as (

    select
        compared.node_id,
        compared.customer_id as former_customer_id,
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
        moved.former_customer_id as customer_id,
        moved.valid_from_run,
        moved.valid_from,
        cast(runs.run_number as {{ dbt.type_bigint() }}) as valid_to_run,
        clock.as_of as valid_to
    from moved
    cross join runs
    cross join clock
    where moved.former_customer_id is not null
    union all
    select
        moved.node_id,
        moved.customer_id,
        cast(runs.run_number as {{ dbt.type_bigint() }}) as valid_from_run,
        clock.as_of as valid_from,
        {{ no_run }} as valid_to_run,
        {{ never }} as valid_to
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
        {{ no_run }} as valid_to_run,
        {{ never }} as valid_to
    from components
    inner join records
        on components.component_id = records.node_id
    cross join clock

)

{% endif %}
select * from recorded
