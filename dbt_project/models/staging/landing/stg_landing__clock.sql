with

source as (

    select as_of from {{ source('landing', 'clock') }}

),

-- A warehouse that no loader of ours fills has no clock: the wall clock is the best guess.
counted as (

    select
        max(as_of) as landed_as_of,
        cast(
            {{ dbt.current_timestamp() }} as {{ dbt.type_timestamp() }}
        ) as current_as_of
    from source

),

chosen as (

    select coalesce(landed_as_of, current_as_of) as as_of from counted

)

select * from chosen
