with

versions as (

    select * from {{ ref('score_versions') }}
    where is_active

),

leads as (

    select
        snapshots.lead_kind,
        snapshots.snapshot_on,
        snapshots.customer_id,
        case when snapshots.is_sale then 1 else 0 end as sale
    from {{ ref('int_lead_snapshots_taken') }} as snapshots
    inner join versions
        on snapshots.score_version = versions.score_version

),

traits as (

    select * from {{ ref('int_lead_traits_found') }}

),

summed as (

    select
        traits.weight_kind,
        traits.attribute,
        traits.trait,
        leads.lead_kind,
        count(*) as count_leads,
        count(distinct leads.customer_id) as count_customers,
        sum(leads.sale) as count_sales
    from leads
    inner join traits
        on leads.customer_id = traits.customer_id
            and leads.snapshot_on = traits.snapshot_on
    group by
        traits.weight_kind,
        traits.attribute,
        traits.trait,
        leads.lead_kind

),

-- Whom a trait is asked of: an activity of everybody, an attribute of those who told it.
asked as (

    select
        'activity' as weight_kind,
        'all' as attribute,
        lead_kind,
        count(*) as count_leads,
        sum(sale) as count_sales
    from leads
    group by lead_kind
    union all
    select
        weight_kind,
        attribute,
        lead_kind,
        count_leads,
        count_sales
    from summed
    where trait is null

),

counted as (

    select
        summed.weight_kind,
        summed.attribute,
        summed.trait,
        summed.lead_kind,
        summed.count_leads,
        summed.count_customers,
        summed.count_sales,
        asked.count_leads - summed.count_leads as count_others,
        asked.count_sales - summed.count_sales as count_other_sales
    from summed
    inner join asked
        on summed.weight_kind = asked.weight_kind
            and summed.attribute = asked.attribute
            and summed.lead_kind = asked.lead_kind
    where summed.trait is not null

)

select * from counted
