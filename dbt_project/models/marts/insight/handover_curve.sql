{%- set sales_required = 50 -%}

with

counted as (

    select * from {{ ref('int_handovers_counted') }}

),

valued as (

    select
        counted.*,
        case
            when count_snapshots > 0
                then (
                    count_sales * sale_value
                    - (count_leads - count_sales) * contact_cost
                    - count_early * early_cost
                ) / count_snapshots
        end as monthly_value,
        case
            when count_snapshots > 0
                then cast(count_leads as {{ type_double() }}) / count_snapshots
        end as monthly_leads
    from counted

),

judged as (

    select
        valued.*,
        case
            when count_all_sales < {{ sales_required }} then 'unproven'
            when monthly_leads > monthly_capacity then 'over capacity'
            when monthly_value <= 0 then 'does not pay'
            else 'affordable'
        end as verdict
    from valued

),

ranked as (

    select
        judged.*,
        row_number() over (
            partition by score_version, lead_kind, verdict
            order by monthly_value desc, threshold desc
        ) as value_rank
    from judged

),

final as (

    select
        score_version,
        is_active,
        lead_kind,
        cast(threshold as {{ dbt.type_bigint() }}) as threshold,
        cast(horizon_days as {{ dbt.type_bigint() }}) as horizon_days,
        cast(count_snapshots as {{ dbt.type_bigint() }}) as count_snapshots,
        cast(count_leads as {{ dbt.type_bigint() }}) as count_leads,
        cast(count_sales as {{ dbt.type_bigint() }}) as count_sales,
        cast(count_early as {{ dbt.type_bigint() }}) as count_early,
        cast(count_all_sales - count_sales as {{ dbt.type_bigint() }}) as count_missed,
        cast(band_sales as {{ type_double() }}) / nullif(band_leads, 0)
            as band_sale_rate,
        cast(count_sales as {{ type_double() }}) / nullif(count_leads, 0)
            as precision_rate,
        cast(count_sales as {{ type_double() }}) / nullif(count_all_sales, 0)
            as recall_rate,
        cast(monthly_leads as {{ type_double() }}) as monthly_leads,
        cast(monthly_value as decimal(18, 2)) as monthly_value,
        verdict,
        verdict = 'affordable' and value_rank = 1 as is_chosen
    from ranked

)

select * from final
