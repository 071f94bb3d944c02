with

landed as (

    select * from {{ ref('stg_landing__quarantined_rows') }}

),

flagged as (

    select * from {{ ref('int_rows_flagged') }}

),

faulted as (

    select * from {{ ref('int_rows_faulted') }}

),

future as (

    select
        source,
        table_name,
        'future_event' as reason,
        record_key,
        cast(null as {{ dbt.type_string() }}) as detail,
        arrived_on
    from flagged
    where is_future

),

ambiguous as (

    select
        source,
        table_name,
        'duplicate_key' as reason,
        record_key,
        cast(null as {{ dbt.type_string() }}) as detail,
        arrived_on
    from flagged
    where is_ambiguous

),

unioned as (

    select * from landed
    union all
    select * from future
    union all
    select * from ambiguous
    union all
    select * from faulted

)

select * from unioned
