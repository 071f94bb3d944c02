with

years as (

    select * from {{ ref('int_purchase_years_summed') }}

),

rules as (

    select * from {{ ref('int_lifecycle_rules_gathered') }}

),

-- Between the two limits everybody stays what they are.
judged as (

    select
        years.customer_id,
        years.timeline_number,
        years.occurred_at,
        case
            when years.count_orders >= rules.enter_count_orders
                and years.margin_amount >= rules.enter_margin
                then 1
            when years.count_orders >= rules.stay_count_orders
                and years.margin_amount >= rules.stay_margin
                then null
            else 0
        end as is_loyal
    from years
    inner join rules
        on years.occurred_at >= rules.valid_from
            and years.occurred_at < rules.valid_to

),

compared as (

    select
        customer_id,
        timeline_number,
        occurred_at,
        is_loyal,
        coalesce(
            lag(is_loyal) over (
                partition by customer_id, timeline_number order by occurred_at
            ),
            0
        ) as was_loyal
    from judged
    where is_loyal is not null

),

dated as (

    select
        customer_id,
        timeline_number,
        occurred_at,
        is_loyal = 1 as is_loyal
    from compared
    where is_loyal <> was_loyal

)

select * from dated
