with

windows as (

    select * from {{ ref('int_lead_windows_closed') }}

),

scores as (

    select * from {{ ref('int_lead_scores_found') }}

),

sales as (

    select * from {{ ref('int_lead_sales_found') }}

),

known as (

    select
        windows.snapshot_on,
        windows.lead_kind,
        windows.ends_on,
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
        on scores.lead_kind = windows.lead_kind
            and scores.snapshot_on = windows.snapshot_on

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
