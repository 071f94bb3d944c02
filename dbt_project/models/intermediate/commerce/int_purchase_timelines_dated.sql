{%- set longest_history = 50 -%}

with

purchases as (

    select * from {{ ref('int_purchases_validated') }}
    where voided_at is not null
        and customer_id is not null

),

moments as (

    select
        customer_id,
        voided_at,
        case
            when min(status) = 'cancelled' then 'an order was cancelled'
            else 'an order was refunded'
        end as reason
    from purchases
    group by customer_id, voided_at

),

-- Each timeline tells a customer's purchases once more: with hundreds of corrections, which only
-- resellers have, that is not worth it.
followed as (

    select
        customer_id,
        voided_at,
        reason,
        row_number() over (
            partition by customer_id order by voided_at desc
        ) as timeline_number,
        lag(voided_at) over (
            partition by customer_id order by voided_at
        ) as former_voided_at,
        lag(reason) over (partition by customer_id order by voided_at) as former_reason,
        count(*) over (partition by customer_id) as count_corrections
    from moments

),

former_timelines as (

    select
        customer_id,
        timeline_number,
        former_voided_at as valid_from,
        voided_at as valid_to,
        former_reason as reason
    from followed
    where count_corrections <= {{ longest_history }}

),

present_timelines as (

    select
        customer_id,
        0 as timeline_number,
        voided_at as valid_from,
        cast(null as {{ dbt.type_timestamp() }}) as valid_to,
        reason
    from followed
    where timeline_number = 1
        and count_corrections <= {{ longest_history }}

),

dated as (

    select * from former_timelines
    union all
    select * from present_timelines

)

select * from dated
