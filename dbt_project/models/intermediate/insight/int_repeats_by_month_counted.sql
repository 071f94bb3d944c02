with

occasions as (

    select * from {{ ref('int_purchase_occasions_told') }}
    where occasion_number >= 2

),

-- Known since it was made and its timeline told it, until the timeline ended.
changes as (

    select
        occurred_at,
        case when occurred_at < valid_from then valid_from else occurred_at end
            as changed_at,
        1 as count_purchases
    from occasions
    union all
    select
        occurred_at,
        valid_to as changed_at,
        -1 as count_purchases
    from occasions
    where valid_to is not null

),

counted as (

    select
        {{ dbt.date_trunc('month', 'occurred_at') }} as month_start,
        {{ dbt.date_trunc('quarter', 'changed_at') }} as quarter_start,
        sum(count_purchases) as count_purchases
    from changes
    group by
        {{ dbt.date_trunc('month', 'occurred_at') }},
        {{ dbt.date_trunc('quarter', 'changed_at') }}

)

select * from counted
