{#- How long a wish is believed. -#}
{%- set watch_days = 180 -%}

with

events as (

    select
        customer_id,
        sku,
        occurred_at,
        customer_known_at
    from {{ ref('events') }}
    where customer_id is not null
        and sku is not null
        and event_type = 'wish_list_added'

),

changes as (

    select * from {{ ref('int_product_changes_compared') }}

),

purchase_lines as (

    select * from {{ ref('int_purchase_lines_joined') }}

),

watched as (

    select
        events.customer_id,
        changes.moment,
        changes.sku,
        changes.evidence,
        events.occurred_at as wished_at,
        changes.changed_at,
        {{ later_of('changes.known_at', 'events.customer_known_at') }} as detected_at
    from events
    inner join changes
        on events.sku = changes.sku
            and events.occurred_at < changes.changed_at
            and {{ dbt.dateadd('day', watch_days, 'events.occurred_at') }}
            > changes.changed_at

),

-- Whoever bought it since the wish waits for it no more; who ever bought it has it already.
owned as (

    select distinct
        watched.customer_id,
        watched.moment,
        watched.sku,
        watched.wished_at,
        watched.changed_at
    from watched
    inner join purchase_lines
        on watched.customer_id = purchase_lines.customer_id
            and watched.sku = purchase_lines.sku
            and watched.changed_at >= purchase_lines.occurred_at
            and (
                watched.moment = 'price_dropped'
                or watched.wished_at < purchase_lines.occurred_at
            )

),

wanted as (

    select
        watched.*,
        {{ to_local_date('watched.changed_at') }} as changed_date
    from watched
    left join owned
        on watched.customer_id = owned.customer_id
            and watched.moment = owned.moment
            and watched.sku = owned.sku
            and watched.wished_at = owned.wished_at
            and watched.changed_at = owned.changed_at
    where owned.customer_id is null

),

-- Several wishes for one product, or several changes on one day, are one moment.
summed as (

    select
        customer_id,
        moment,
        sku,
        concat(sku, '|', cast(changed_date as {{ dbt.type_string() }})) as entry_key,
        min(changed_at) as occurred_at,
        min(detected_at) as detected_at,
        min(evidence) as evidence
    from wanted
    group by
        customer_id,
        moment,
        sku,
        changed_date

)

select * from summed
