-- A sync model selects: it holds whom the audience holds, no one more and no one less.
with

synced as (

    select
        'second_purchase_nudge' as audience,
        customer_id
    from {{ ref('sync_klaviyo__second_purchase_nudge') }}
    union all
    select
        'win_back',
        customer_id
    from {{ ref('sync_klaviyo__win_back') }}
    union all
    select
        'win_back on meta',
        customer_id
    from {{ ref('sync_meta_custom_audiences__win_back') }}
    union all
    select
        'existing_customers',
        customer_id
    from {{ ref('sync_google_customer_match__existing_customers') }}
    union all
    select
        'existing_customers on meta',
        customer_id
    from {{ ref('sync_meta_custom_audiences__existing_customers') }}

),

flagged as (

    select
        'second_purchase_nudge' as audience,
        customer_id
    from {{ ref('audience_flags') }}
    where is_second_purchase_nudge
    union all
    select
        audiences.audience,
        flags.customer_id
    from {{ ref('audience_flags') }} as flags
    cross join (
        select 'win_back' as audience
        union all
        select 'win_back on meta'
    ) as audiences
    where flags.is_win_back
    union all
    select
        audiences.audience,
        flags.customer_id
    from {{ ref('audience_flags') }} as flags
    cross join (
        select 'existing_customers' as audience
        union all
        select 'existing_customers on meta'
    ) as audiences
    where flags.is_existing_customer

)

select
    synced.audience as synced_audience,
    flagged.audience as flagged_audience
from synced
full outer join flagged
    on
        synced.audience = flagged.audience
        and synced.customer_id = flagged.customer_id
where synced.customer_id is null or flagged.customer_id is null
