-- Written when all that the gate reads is written: it says what that was made of.
-- depends_on: {{ ref('consents') }}
-- depends_on: {{ ref('suppressions') }}
-- depends_on: {{ ref('contact_points') }}
-- depends_on: {{ ref('holds') }}

with

loaded_files as (

    select * from {{ ref('stg_landing__loaded_files') }}

),

final as (

    select
        file,
        source,
        table_name,
        bytes,
        modified_ns,
        loaded_at
    from loaded_files

)

select * from final
