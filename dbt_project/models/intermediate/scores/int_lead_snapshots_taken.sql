with

windows as (

    select * from {{ ref('int_lead_windows_closed') }}

),

scores as (

    select * from {{ ref('int_scores_dated') }}

),

customers as (

    select * from {{ ref('customers') }}
    where not is_test

),

sales as (

    select * from {{ ref('int_lead_sales_found') }}

),

known as (

    select
        windows.snapshot_on,
        windows.lead_kind,
        windows.ends_on,
        windows.closes_on,
        scores.score_version,
        scores.customer_id,
        scores.fit,
        scores.engagement_share,
        {{ engagement_of(
            faded_points(
                'scores.engagement_points',
                'scores.half_life_days',
                dbt.datediff('scores.scored_on', 'windows.snapshot_on', 'day'),
            ),
            'scores.half_points',
        ) }} as engagement
    from scores
    inner join windows
        on scores.scored_on < windows.snapshot_on
            and (
                scores.next_scored_on is null
                or scores.next_scored_on >= windows.snapshot_on
            )
    inner join customers
        on scores.customer_id = customers.customer_id
            and windows.lead_kind = case
                when customers.first_ordered_at is null then 'prospect'
                when {{ to_local_date('customers.first_ordered_at') }}
                    >= windows.snapshot_on
                    then 'prospect'
                when customers.is_business then 'account'
                else 'customer'
            end

),

taken as (

    select
        known.snapshot_on,
        known.lead_kind,
        known.score_version,
        known.customer_id,
        known.engagement_share * known.engagement
        + (1 - known.engagement_share) * known.fit as score,
        coalesce(sales.bought_on < known.ends_on, false) as is_sale,
        coalesce(sales.bought_on >= known.ends_on, false) as is_late_sale,
        case when sales.bought_on < known.ends_on then sales.margin_amount end
            as margin_amount
    from known
    left join sales
        on known.lead_kind = sales.lead_kind
            and known.snapshot_on = sales.snapshot_on
            and known.customer_id = sales.customer_id

)

select * from taken
