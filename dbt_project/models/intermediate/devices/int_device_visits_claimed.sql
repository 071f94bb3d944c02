with

traces as (

    select * from {{ ref('int_device_traces_collected') }}

),

devices as (

    select * from {{ ref('int_devices_held') }}
    where count_holders > 1
        and not is_kiosk

),

compared as (

    select
        traces.*,
        lag(traces.occurred_at) over (
            partition by traces.device_id
            order by traces.occurred_at, traces.event_id, traces.holder_id
        ) as previous_at
    from traces
    inner join devices
        on traces.device_id = devices.device_id

),

numbered as (

    select
        compared.*,
        sum(
            case
                when {{ dbt.datediff('previous_at', 'occurred_at', 'second') }} <= 1800
                    then 0
                else 1
            end
        ) over (
            partition by device_id order by occurred_at, event_id, holder_id
            rows between unbounded preceding and current row
        ) as visit_number
    from compared

),

judged as (

    select
        numbered.*,
        min(holder_id) over (partition by device_id, visit_number) as first_holder_id,
        max(holder_id) over (partition by device_id, visit_number) as last_holder_id,
        max(customer_id) over (partition by device_id, visit_number)
            as visitor_customer_id,
        min(case when holder_id is not null then known_at end) over (
            partition by device_id, visit_number
        ) as visitor_known_at
    from numbered

),

claimed as (

    select
        event_id,
        device_id,
        visitor_customer_id as customer_id,
        visitor_known_at as known_at
    from judged
    where holder_id is null
        and first_holder_id = last_holder_id
        and visitor_customer_id is not null

)

select * from claimed
