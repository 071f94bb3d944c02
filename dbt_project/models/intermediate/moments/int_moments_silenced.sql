with

uses as (

    select * from {{ ref('int_uses_unioned') }}

),

contracts as (

    select
        customer_id,
        created_at,
        {{ start_of_day('ends_date', 1) }} as ends_at
    from {{ ref('contracts') }}
    where customer_id is not null

),

ordered as (

    select
        uses.*,
        {{ later_of('silent_at', 'known_at') }} as detected_at,
        lead(occurred_at) over (
            partition by customer_id, moment order by occurred_at, entry_key
        ) as next_at,
        lead(known_at) over (
            partition by customer_id, moment order by occurred_at, entry_key
        ) as next_known_at
    from uses

),

silent as (

    select * from ordered
    where next_at is null
        or next_at > silent_at
        or next_known_at > detected_at

),

-- Where the news of the next use came too late, another one may have been known in time.
broken as (

    select distinct
        silent.moment,
        silent.entry_key
    from silent
    inner join uses
        on silent.customer_id = uses.customer_id
            and silent.moment = uses.moment
            and silent.occurred_at < uses.occurred_at
            and silent.silent_at >= uses.occurred_at
            and silent.detected_at >= uses.known_at
    where silent.next_at <= silent.silent_at

),

-- Nobody misses a service that is over: a contract was known to run on.
covered as (

    select distinct silent.entry_key
    from silent
    inner join contracts
        on silent.customer_id = contracts.customer_id
            and silent.detected_at >= contracts.created_at
            and (contracts.ends_at is null or silent.silent_at < contracts.ends_at)
    where silent.moment = 'service_unused'

),

silenced as (

    select
        silent.customer_id,
        silent.moment,
        silent.entry_key,
        silent.occurred_at,
        silent.detected_at,
        silent.evidence
    from silent
    left join broken
        on silent.moment = broken.moment
            and silent.entry_key = broken.entry_key
    left join covered
        on silent.entry_key = covered.entry_key
    where broken.entry_key is null
        and (silent.moment = 'app_inactive' or covered.entry_key is not null)

)

select * from silenced
