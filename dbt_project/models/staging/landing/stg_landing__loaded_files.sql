with

source as (

    select * from {{ source('landing', 'loaded_files') }}

),

renamed as (

    select
        file,
        source,
        table_name,
        bytes,
        modified_ns,
        loaded_at
    from source

)

select * from renamed
