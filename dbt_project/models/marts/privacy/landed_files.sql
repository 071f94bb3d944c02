-- Written when all is written that the gate reads and that news are matched with.
-- depends_on: {{ ref('consents') }}
-- depends_on: {{ ref('suppressions') }}
-- depends_on: {{ ref('contact_points') }}
-- depends_on: {{ ref('holds') }}
-- depends_on: {{ ref('customer_identities') }}
-- depends_on: {{ ref('customer_aliases') }}
-- depends_on: {{ ref('customers') }}
-- depends_on: {{ ref('devices') }}

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
