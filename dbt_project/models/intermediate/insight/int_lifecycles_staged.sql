with

int_lifecycles_measured as (

    select * from {{ ref('int_lifecycles_measured') }}

),

staged as (

    select
        *,
        case
            when stage = 'new_customer' and elapsed_days <= w2_days then 'in_window'
            when stage = 'new_customer' then 'second_chance'
            when stage <> 'lead' then null
            when days_known <= 90 then 'new'
            when days_since_engaged <= 90 then 'active'
            when days_known <= 180 or days_since_engaged <= 180 then 'cold'
            else 'inactive'
        end as substage
    from int_lifecycles_measured

)

select * from staged
