-- Along each curve leads, sales and too early ones fall, sales and missed ones add up to all sales,
-- and at most one threshold is chosen.
with

curve as (

    select
        *,
        lag(count_leads) over (
            partition by score_version, lead_kind order by threshold
        ) as lower_leads,
        lag(count_sales) over (
            partition by score_version, lead_kind order by threshold
        ) as lower_sales,
        lag(count_early) over (
            partition by score_version, lead_kind order by threshold
        ) as lower_early,
        max(count_sales) over (partition by score_version, lead_kind) as all_sales
    from {{ ref('handover_curve') }}

),

wrong as (

    select lead_kind
    from curve
    where count_leads > lower_leads
        or count_sales > lower_sales
        or count_early > lower_early
        or count_sales + count_missed <> all_sales
        or count_sales + count_early > count_leads
    union all
    select lead_kind
    from curve
    group by score_version, lead_kind
    having sum(case when is_chosen then 1 else 0 end) > 1

)

select * from wrong
