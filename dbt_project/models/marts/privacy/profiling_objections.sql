with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

contact_points as (

    select * from {{ ref('contact_points') }}
    where customer_id is not null

),

statements as (

    select * from {{ ref('int_consents_decided') }}
    where purpose = 'profiling'

),

-- Profiling is about the person: whatever address was named, the latest statement counts.
ranked as (

    select
        contact_points.customer_id,
        statements.status,
        statements.occurred_at,
        statements.is_granted
        and coalesce(statements.expires_at > clock.as_of, true) as is_allowed,
        row_number() over (
            partition by contact_points.customer_id
            order by
                statements.occurred_at desc,
                case when statements.is_granted then 1 else 0 end,
                statements.contact_point_id,
                statements.channel
        ) as statement_rank
    from statements
    inner join contact_points
        on statements.contact_point_id = contact_points.contact_point_id
    cross join clock

),

final as (

    select
        customer_id,
        status,
        occurred_at
    from ranked
    where statement_rank = 1
        and not is_allowed

)

select * from final
