-- What may be used was granted or confirmed, has not expired, and the person objected nowhere.
with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

consents as (

    select * from {{ ref('consents') }}

),

objections as (

    select distinct
        customer_id,
        purpose,
        channel
    from consents
    where status = 'objected'

)

select
    consents.contact_point_id,
    consents.purpose,
    consents.channel
from consents
cross join clock
left join objections
    on consents.customer_id = objections.customer_id
        and consents.purpose = objections.purpose
        and consents.channel = objections.channel
where consents.is_allowed
    and (
        consents.status not in ('granted', 'confirmed')
        or consents.expires_at <= clock.as_of
        or consents.occurred_at > clock.as_of
        or objections.customer_id is not null
    )
