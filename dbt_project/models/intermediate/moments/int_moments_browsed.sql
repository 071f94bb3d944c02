{#- How long a saved configuration may wait before it is taken for left behind. -#}
{%- set configuration_days = 2 -%}

with

events as (

    select
        event_id,
        customer_id,
        event_type,
        sku,
        occurred_at,
        customer_known_at,
        {{ dbt.dateadd('day', configuration_days, 'occurred_at') }} as left_at
    from {{ ref('events') }}
    where customer_id is not null
        and not is_bot
        and event_type in ('configuration_saved', 'gate_submitted')

),

purchase_lines as (

    select * from {{ ref('int_purchase_lines_joined') }}

),

bought as (

    select distinct events.event_id
    from events
    inner join purchase_lines
        on events.customer_id = purchase_lines.customer_id
            and events.sku = purchase_lines.sku
            and events.occurred_at < purchase_lines.occurred_at
            and events.left_at >= purchase_lines.occurred_at
    where events.event_type = 'configuration_saved'

),

unioned as (

    select
        events.customer_id,
        'configuration_abandoned' as moment,
        events.event_id as entry_key,
        events.occurred_at,
        {{ later_of('events.left_at', 'events.customer_known_at') }} as detected_at
    from events
    left join bought
        on events.event_id = bought.event_id
    where events.event_type = 'configuration_saved'
        and bought.event_id is null
    union all
    select
        customer_id,
        'content_requested' as moment,
        event_id as entry_key,
        occurred_at,
        customer_known_at as detected_at
    from events
    where event_type = 'gate_submitted'

),

browsed as (

    select
        unioned.*,
        concat('web/events:', entry_key) as evidence
    from unioned

)

select * from browsed
