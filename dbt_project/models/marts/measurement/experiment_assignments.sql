with

draws as (

    select * from {{ ref('int_experiment_draws_followed') }}
    where customer_id is not null

),

ranked as (

    select
        draws.*,
        row_number() over (
            partition by experiment, customer_id
            order by assigned_at, known_at, assigned_customer_id
        ) as draw_number
    from draws

),

firsts as (

    select * from ranked
    where draw_number = 1

),

-- From when on one person was in two arms: both draws made, and both known to be theirs.
compared as (

    select
        firsts.experiment,
        firsts.customer_id,
        firsts.assigned_customer_id,
        firsts.variant,
        firsts.assigned_at,
        firsts.contact_cost,
        count(*) as count_draws,
        count(distinct ranked.variant) as count_variants,
        min(
            case
                when ranked.variant <> firsts.variant
                    then {{ later_of('ranked.known_at', 'firsts.known_at') }}
            end
        ) as contaminated_at
    from firsts
    inner join ranked
        on firsts.experiment = ranked.experiment
            and firsts.customer_id = ranked.customer_id
    group by
        firsts.experiment,
        firsts.customer_id,
        firsts.assigned_customer_id,
        firsts.variant,
        firsts.assigned_at,
        firsts.contact_cost

),

final as (

    select
        experiment,
        customer_id,
        variant,
        lower(variant) in {{ control_variants() }} as is_control,
        assigned_at,
        assigned_customer_id,
        cast(count_draws as {{ dbt.type_bigint() }}) as count_draws,
        contaminated_at is not null as is_contaminated,
        contaminated_at,
        cast(contact_cost as decimal(18, 2)) as contact_cost
    from compared

)

select * from final
