{#- Orders by which a contact may differ from none and still count as changing nothing. -#}
{%- set indifference = '(' ~ var('uplift_indifference_points') ~ ' / 100.0)' -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select * from {{ ref('customers') }}

),

uplifts as (

    select * from {{ ref('stg_ml__uplifts') }}

),

-- What cannot be, and what is said of somebody who was merged away, is not passed on.
valid as (

    select
        uplifts.*,
        avg(uplifts.order_probability) over () as usual_order_probability,
        row_number() over (
            partition by uplifts.customer_id
            order by uplifts.as_of desc, uplifts.scored_at desc
        ) as newness
    from uplifts
    inner join customers
        on uplifts.customer_id = customers.customer_id
    cross join clock
    where
        uplifts.as_of <= clock.as_of
        and uplifts.order_probability between 0 and 1
        and uplifts.uplift >= uplifts.band_uplift_lower
        and uplifts.uplift <= uplifts.band_uplift_upper

),

final as (

    select
        customer_id,
        model_name,
        cast(horizon_days as {{ dbt.type_bigint() }}) as horizon_days,
        cast(order_probability as {{ type_double() }}) as order_probability,
        cast(uplift as {{ type_double() }}) as uplift,
        cast(band_uplift_lower as {{ type_double() }}) as uplift_lower,
        cast(band_uplift_upper as {{ type_double() }}) as uplift_upper,
        case
            when band_uplift_lower > 0 then 'persuadable'
            when band_uplift_upper < 0 then 'do_not_disturb'
            when
                band_uplift_lower <= -{{ indifference }}
                or band_uplift_upper >= {{ indifference }}
                then 'unproven'
            when order_probability >= usual_order_probability then 'sure_thing'
            else 'lost_cause'
        end as response_type,
        cast(usual_margin as decimal(18, 2)) as usual_margin,
        cast(contact_cost as decimal(18, 2)) as contact_cost,
        cast(expected_gain as decimal(18, 4)) as expected_gain,
        -- By the very sum that is shown: less than half of its last digit is nothing.
        cast(expected_gain as decimal(18, 4)) > 0 as is_worth_contacting,
        model_version,
        as_of,
        scored_at
    from valid
    where newness = 1

)

select * from final
