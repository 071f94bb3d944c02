with

customers as (

    select * from {{ ref('customers') }}
    where not is_test

),

contracts as (

    select
        customer_id,
        created_at,
        {{ start_of_day('ends_date', 1) }} as ends_at
    from {{ ref('contracts') }}
    where customer_id is not null

),

found as (

    select
        declines.*,
        {{ start_of_day('flagged_on') }} as flagged_at
    from {{ ref('int_activity_declines_found') }} as declines

),

-- Nobody declines in a service that they no longer have; who uses it without a contract may.
contracted as (

    select
        found.customer_id,
        found.activity_kind,
        found.flagged_on,
        {{ dbt.bool_or(
            'contracts.ends_at is null or contracts.ends_at > found.flagged_at'
        ) }} as is_running
    from found
    inner join contracts
        on found.customer_id = contracts.customer_id
            and found.flagged_at >= contracts.created_at
    where found.activity_kind = 'service'
    group by found.customer_id, found.activity_kind, found.flagged_on

),

summed as (

    select
        weeks.customer_id,
        weeks.activity_kind,
        weeks.week_on,
        sum(weeks.count_activities) over (
            partition by weeks.customer_id, weeks.activity_kind order by weeks.week_on
            rows between 3 preceding and current row
        ) as count_28d
    from {{ ref('int_activity_weeks_filled') }} as weeks
    where
        exists (
            select 1 from found
            where
                weeks.customer_id = found.customer_id
                and weeks.activity_kind = found.activity_kind
        )

),

recovered as (

    select
        found.customer_id,
        found.activity_kind,
        found.flagged_on,
        min(summed.week_on) as week_on
    from found
    inner join summed
        on found.customer_id = summed.customer_id
            and found.activity_kind = summed.activity_kind
            and found.flagged_on <= summed.week_on
            and found.usual_28d * 0.5 < summed.count_28d
    group by found.customer_id, found.activity_kind, found.flagged_on

),

final as (

    select
        found.customer_id,
        found.activity_kind,
        found.flagged_at,
        cast(found.usual_28d as {{ type_double() }}) as usual_28d,
        cast(found.count_28d as {{ dbt.type_bigint() }}) as count_28d,
        cast(found.z_score as {{ type_double() }}) as z_score,
        {{ start_of_day('recovered.week_on', 7) }} as recovered_at,
        recovered.week_on is null as is_open,
        {{ dbt.concat([
            as_text('found.count_28d'), "' in four weeks instead of '",
            as_text('found.usual_28d', 1), "', z '", as_text('found.z_score', 1),
            "', for the third week'",
        ]) }} as evidence
    from found
    inner join customers
        on found.customer_id = customers.customer_id
    left join contracted
        on found.customer_id = contracted.customer_id
            and found.activity_kind = contracted.activity_kind
            and found.flagged_on = contracted.flagged_on
    left join recovered
        on found.customer_id = recovered.customer_id
            and found.activity_kind = recovered.activity_kind
            and found.flagged_on = recovered.flagged_on
    where coalesce(contracted.is_running, true)

)

select * from final
