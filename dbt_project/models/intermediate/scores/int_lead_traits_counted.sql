with

leads as (

    select * from {{ ref('int_lead_families_counted') }}

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
        leads.count_families,
        count(*) as count_leads,
        sum(leads.sale) as count_sales
    from leads
    inner join traits
        on leads.customer_id = traits.customer_id
            and leads.snapshot_on = traits.snapshot_on
    group by
        traits.weight_kind,
        traits.attribute,
        traits.trait,
        leads.lead_kind,
        leads.count_families

),

-- Whom a trait is asked of: an act of everybody, an attribute of those who told it.
asked as (

    select
        'activity' as weight_kind,
        'all' as attribute,
        lead_kind,
        count_families,
        count(*) as count_leads,
        sum(sale) as count_sales
    from leads
    group by lead_kind, count_families
    union all
    select
        weight_kind,
        attribute,
        lead_kind,
        count_families,
        count_leads,
        count_sales
    from summed
    where trait is null

),

borne as (

    select * from summed
    where trait is not null

),

-- Alike are those who did as many other things: an act is not one of the others.
counted as (

    select
        borne.weight_kind,
        borne.attribute,
        borne.trait,
        borne.lead_kind,
        asked.count_families as count_other_families,
        borne.count_leads,
        borne.count_sales,
        asked.count_leads - coalesce(alike.count_leads, 0) as count_others,
        asked.count_sales - coalesce(alike.count_sales, 0) as count_other_sales
    from borne
    inner join asked
        on borne.weight_kind = asked.weight_kind
            and borne.attribute = asked.attribute
            and borne.lead_kind = asked.lead_kind
            and borne.count_families
            - case when borne.weight_kind = 'activity' then 1 else 0 end
            = asked.count_families
    left join borne as alike
        on borne.weight_kind = alike.weight_kind
            and borne.attribute = alike.attribute
            and borne.trait = alike.trait
            and asked.lead_kind = alike.lead_kind
            and asked.count_families = alike.count_families

)

select * from counted
