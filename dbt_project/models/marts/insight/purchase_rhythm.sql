with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

int_purchase_occasions as (

    select * from {{ ref('int_purchase_occasions') }}

),

int_purchase_gaps_measured as (

    select * from {{ ref('int_purchase_gaps_measured') }}
    where is_later_gap

),

int_purchase_rhythms_calibrated as (

    select * from {{ ref('int_purchase_rhythms_calibrated') }}
    where is_current

),

purchases as (

    select
        int_purchase_occasions.customer_id,
        clock.as_of,
        count(*) as count_orders,
        min(int_purchase_occasions.occurred_at) as first_ordered_at,
        max(int_purchase_occasions.occurred_at) as last_ordered_at
    from int_purchase_occasions
    cross join clock
    group by int_purchase_occasions.customer_id, clock.as_of

),

gaps as (

    select
        customer_id,
        count(*) as count_later_gaps,
        sum(gap_days) as sum_gap_days
    from int_purchase_gaps_measured
    group by customer_id

),

-- Shrunken mean: the fewer gaps a customer has, the closer to the shop's mean gap.
expected as (

    select
        purchases.*,
        int_purchase_rhythms_calibrated.risk_ratio,
        int_purchase_rhythms_calibrated.lapse_ratio,
        int_purchase_rhythms_calibrated.is_reliable,
        int_purchase_rhythms_calibrated.reason,
        coalesce(gaps.count_later_gaps, 0) as count_later_gaps,
        (
            coalesce(gaps.sum_gap_days, 0)
            + int_purchase_rhythms_calibrated.shrinkage
            * int_purchase_rhythms_calibrated.mean_gap_days
        ) / (
            coalesce(gaps.count_later_gaps, 0)
            + int_purchase_rhythms_calibrated.shrinkage
        ) as expected_gap_days,
        {{ elapsed_days('purchases.last_ordered_at', 'purchases.as_of') }}
            as elapsed_days
    from purchases
    cross join int_purchase_rhythms_calibrated
    left join gaps on gaps.customer_id = purchases.customer_id

),

measured as (

    select
        customer_id,
        as_of,
        first_ordered_at,
        last_ordered_at,
        cast(count_orders as {{ dbt.type_bigint() }}) as count_orders,
        cast(count_later_gaps as {{ dbt.type_bigint() }}) as count_later_gaps,
        cast(expected_gap_days as {{ type_double() }}) as expected_gap_days,
        cast(elapsed_days as {{ type_double() }}) as elapsed_days,
        cast(elapsed_days / expected_gap_days as {{ type_double() }}) as overdue_ratio,
        cast(risk_ratio as {{ type_double() }}) as risk_ratio,
        cast(lapse_ratio as {{ type_double() }}) as lapse_ratio,
        is_reliable,
        reason
    from expected

)

select * from measured
