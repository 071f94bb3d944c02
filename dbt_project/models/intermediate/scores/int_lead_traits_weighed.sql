with

counts as (

    select * from {{ ref('int_lead_traits_counted') }}

),

repeated as (

    select
        weight_kind,
        attribute,
        trait,
        count(distinct customer_id) as count_customers
    from {{ ref('int_lead_traits_found') }}
    group by weight_kind, attribute, trait

),

cells as (

    select
        counts.*,
        cast(count_sales as {{ type_double() }}) as sold,
        cast(count_leads - count_sales as {{ type_double() }}) as unsold,
        cast(count_other_sales as {{ type_double() }}) as others_sold,
        cast(count_others - count_other_sales as {{ type_double() }}) as others_unsold,
        cast(count_leads + count_others as {{ type_double() }}) as count_all
    from counts

),

-- Concordant and discordant pairs, in the letters of Robins, Breslow and Greenland.
paired as (

    select
        cells.*,
        (sold + others_unsold) / count_all as p,
        (unsold + others_sold) / count_all as q,
        sold * others_unsold / count_all as r,
        unsold * others_sold / count_all as s
    from cells

),

pooled as (

    select
        weight_kind,
        attribute,
        trait,
        sum(count_leads) as count_leads,
        sum(count_sales) as count_sales,
        nullif(sum(r), 0) as sum_r,
        nullif(sum(s), 0) as sum_s,
        sum(p * r) as sum_pr,
        sum(p * s + q * r) as sum_ps_qr,
        sum(q * s) as sum_qs
    from paired
    group by weight_kind, attribute, trait

),

weighed as (

    select
        pooled.weight_kind,
        pooled.attribute,
        pooled.trait,
        pooled.count_leads,
        pooled.count_sales,
        ln(pooled.sum_r / pooled.sum_s) as log_odds,
        sqrt(
            (
                pooled.sum_pr / (2 * pooled.sum_r * pooled.sum_r)
                + pooled.sum_ps_qr / (2 * pooled.sum_r * pooled.sum_s)
                + pooled.sum_qs / (2 * pooled.sum_s * pooled.sum_s)
            ) * pooled.count_leads / repeated.count_customers
        ) as standard_error
    from pooled
    inner join repeated
        on pooled.weight_kind = repeated.weight_kind
            and pooled.attribute = repeated.attribute
            and pooled.trait = repeated.trait

)

select * from weighed
