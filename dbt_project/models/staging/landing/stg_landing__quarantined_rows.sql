with

source as (

    select * from {{ source('landing', 'quarantine') }}

),

renamed as (

    select
        source,
        table_name,
        reason,
        concat(
            file, ':', coalesce(cast(row_number as {{ dbt.type_string() }}), '')
        ) as record_key,
        column_name as detail,
        arrived_on
    from source

)

select * from renamed
