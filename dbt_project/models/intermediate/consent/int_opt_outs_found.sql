with

consent_events as (

    select * from {{ ref('int_consent_events_unioned') }}
    where purpose = 'marketing'
        and status in ('granted', 'confirmed', 'withdrawn', 'objected')

),

contact_points as (

    select * from {{ ref('contact_points') }}

),

-- Of a yes and a no at one moment the no stands, as in int_consents_decided.
followed as (

    select
        contact_point_id,
        status,
        occurred_at,
        min(
            case when status in ('granted', 'confirmed') then occurred_at end
        ) over (
            partition by contact_point_id, channel
            order by
                occurred_at desc,
                case when status in ('granted', 'confirmed') then 1 else 0 end
            rows between unbounded preceding and current row
        ) as granted_again_at
    from consent_events

),

found as (

    select distinct
        contact_points.customer_id,
        case followed.status
            when 'objected' then 'objection' else 'opt_out'
        end as reason,
        followed.occurred_at,
        followed.granted_again_at
    from followed
    inner join contact_points
        on followed.contact_point_id = contact_points.contact_point_id
    where followed.status in ('withdrawn', 'objected')
        and contact_points.customer_id is not null

)

select * from found
