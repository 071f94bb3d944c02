with

counts as (

    select * from {{ ref('int_lead_traits_counted') }}

),

-- Half a case more in each cell: what never sold has an answer, too.
smoothed as (

    select
        counts.*,
        ln(
            (count_sales + 0.5) * (count_others - count_other_sales + 0.5)
            / ((count_leads - count_sales + 0.5) * (count_other_sales + 0.5))
        ) as log_odds,
        1 / (count_sales + 0.5)
        + 1 / (count_leads - count_sales + 0.5)
        + 1 / (count_other_sales + 0.5)
        + 1 / (count_others - count_other_sales + 0.5) as variance
    from counts
    where count_others > 0
        and count_sales + count_other_sales > 0

),

-- Within each kind of lead, or a trait would be praised for who has it.
pooled as (

    select
        weight_kind,
        attribute,
        trait,
        sum(count_leads) as count_leads,
        sum(count_sales) as count_sales,
        sum(log_odds / variance) / sum(1 / variance) as log_odds,
        sqrt(
            1 / sum(1 / variance)
            * sum(count_leads) / sum(count_customers)
        ) as standard_error
    from smoothed
    group by weight_kind, attribute, trait

)

select * from pooled
