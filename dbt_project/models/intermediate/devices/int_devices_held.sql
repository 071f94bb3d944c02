with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

spans as (

    select * from {{ ref('int_device_spans_found') }}

),

summed as (

    select
        device_id,
        count(distinct holder_id) as count_holders,
        count(distinct customer_id) as count_customers,
        max(span_number) as span_number,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from spans
    group by device_id

),

last_spans as (

    select spans.*
    from spans
    inner join summed
        on spans.device_id = summed.device_id
            and spans.span_number = summed.span_number

),

others as (

    select
        spans.device_id,
        max(spans.last_seen_at) as last_seen_at
    from spans
    inner join last_spans
        on spans.device_id = last_spans.device_id
    where spans.holder_id <> last_spans.holder_id
    group by spans.device_id

),

held as (

    select
        summed.device_id,
        last_spans.customer_id,
        summed.count_holders,
        summed.count_customers,
        summed.count_holders > {{ var('device_holder_limit') }} as is_kiosk,
        coalesce(
            others.last_seen_at
            > {{ dbt.dateadd('day', '-' ~ var('device_memory_days'), 'clock.as_of') }},
            false
        )
        or summed.count_holders > {{ var('device_holder_limit') }} as is_contested,
        last_spans.valid_to > clock.as_of as is_recent,
        summed.first_seen_at,
        summed.last_seen_at
    from summed
    cross join clock
    inner join last_spans
        on summed.device_id = last_spans.device_id
    left join others
        on summed.device_id = others.device_id

)

select * from held
