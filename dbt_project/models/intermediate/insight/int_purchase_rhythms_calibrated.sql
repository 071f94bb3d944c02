{%- set shrinkage = 2 -%}
{%- set count_required = 50 -%}

with

int_purchase_gaps_measured as (

    select * from {{ ref('int_purchase_gaps_measured') }}
    where is_later_gap

),

population as (

    select
        count(*) as count_later_gaps,
        avg(gap_days) as mean_gap_days
    from int_purchase_gaps_measured

),

customers as (

    select
        customer_id,
        count(*) as count_gaps,
        sum(gap_days) as sum_gap_days
    from int_purchase_gaps_measured
    group by customer_id

),

-- Each gap is held against the customer's other gaps, never against itself.
compared as (

    select
        int_purchase_gaps_measured.gap_days / (
            (
                customers.sum_gap_days - int_purchase_gaps_measured.gap_days
                + {{ shrinkage }} * population.mean_gap_days
            ) / (customers.count_gaps - 1 + {{ shrinkage }})
        ) as overdue_ratio
    from int_purchase_gaps_measured
    inner join customers
        on customers.customer_id = int_purchase_gaps_measured.customer_id
    cross join population
    where customers.count_gaps >= 3

),

quantiles as (

    select
        count(*) as count_ratios,
        {{ percentile('overdue_ratio', 0.90) }} as risk_ratio,
        {{ percentile('overdue_ratio', 0.975) }} as lapse_ratio
    from compared

),

judged as (

    select
        population.count_later_gaps,
        population.mean_gap_days,
        quantiles.count_ratios,
        quantiles.risk_ratio,
        quantiles.lapse_ratio,
        population.count_later_gaps >= {{ count_required }} as has_mean,
        quantiles.count_ratios >= {{ count_required }} as has_ratios
    from population
    cross join quantiles

),

calibrated as (

    select
        count_later_gaps,
        count_ratios,
        {{ shrinkage }} as shrinkage,
        case when has_mean then cast(mean_gap_days as decimal(18, 6)) else 90.0 end
            as mean_gap_days,
        case when has_ratios then cast(risk_ratio as decimal(18, 6)) else 2.0 end
            as risk_ratio,
        case when has_ratios then cast(lapse_ratio as decimal(18, 6)) else 3.0 end
            as lapse_ratio,
        has_mean and has_ratios as is_reliable,
        case
            when not has_mean
                then 'default: fewer than {{ count_required }} later gaps'
            when not has_ratios
                then 'default ratios: fewer than {{ count_required }} comparable gaps'
            else 'measured'
        end as reason
    from judged

)

select * from calibrated
