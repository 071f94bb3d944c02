with

windows as (

    select * from {{ ref('int_lead_windows_closed') }}

),

scores as (

    select * from {{ ref('int_scores_dated') }}

),

customers as (

    select customers.*
    from {{ ref('customers') }} as customers
    left join {{ ref('profiling_objections') }} as objections
        on customers.customer_id = objections.customer_id
    where not customers.is_test
        and objections.customer_id is null

),

snapshots as (

    select distinct snapshot_on from windows

),

buyers as (

    select
        customer_id,
        is_business,
        {{ to_local_date('first_ordered_at') }} as first_ordered_on
    from customers

),

days as (

    select
        scored_on,
        min(snapshots.snapshot_on) as first_snapshot_on
    from (select distinct scored_on from scores) as scored_days
    inner join snapshots
        on scored_days.scored_on < snapshots.snapshot_on
    group by scored_on

),

-- Few scores were anybody's latest on one of the days.
lasting as (

    select scores.*
    from scores
    inner join days
        on scores.scored_on = days.scored_on
    where coalesce(scores.next_scored_on >= days.first_snapshot_on, true)

),

dated as (

    select
        lasting.*,
        snapshots.snapshot_on,
        case
            when buyers.first_ordered_on is null
                or buyers.first_ordered_on >= snapshots.snapshot_on
                then 'prospect'
            when buyers.is_business then 'account'
            else 'customer'
        end as lead_kind
    from lasting
    inner join snapshots
        on lasting.scored_on < snapshots.snapshot_on
            and (
                lasting.next_scored_on is null
                or lasting.next_scored_on >= snapshots.snapshot_on
            )
    inner join buyers
        on lasting.customer_id = buyers.customer_id

)

select * from dated
