with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

int_purchase_margins_computed as (

    select * from {{ ref('int_purchase_margins_computed') }}

),

lifecycle_thresholds as (

    select * from {{ ref('lifecycle_thresholds') }}

),

accumulated as (

    select
        int_purchase_margins_computed.customer_id,
        int_purchase_margins_computed.occurred_at,
        count(*) over (
            partition by int_purchase_margins_computed.customer_id
            order by int_purchase_margins_computed.occasion_number
            rows between unbounded preceding and current row
        ) as count_orders_365d,
        sum(int_purchase_margins_computed.margin_amount) over (
            partition by int_purchase_margins_computed.customer_id
            order by int_purchase_margins_computed.occasion_number
            rows between unbounded preceding and current row
        ) as margin_365d
    from int_purchase_margins_computed
    cross join clock
    where
        int_purchase_margins_computed.occurred_at
        >= {{ dbt.dateadd('day', -365, 'clock.as_of') }}

),

dated as (

    select
        accumulated.customer_id,
        min(accumulated.occurred_at) as loyal_since
    from accumulated
    cross join lifecycle_thresholds
    where
        accumulated.count_orders_365d >= lifecycle_thresholds.loyal_count_orders_365d
        and accumulated.margin_365d >= lifecycle_thresholds.loyal_margin_365d
    group by accumulated.customer_id

)

select * from dated
