{% set families = [
    'int_moments_abandoned', 'int_moments_browsed', 'int_moments_silenced',
    'int_moments_watched', 'int_moments_delivered', 'int_moments_produced',
    'int_moments_contracted', 'int_moments_used', 'int_moments_purchased',
    'int_moments_replenished', 'int_moments_served', 'int_moments_declined',
] %}
{%- set columns = [
    'customer_id', 'moment', 'entry_key', 'occurred_at', 'detected_at', 'evidence',
] -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

moment_types as (

    select * from {{ ref('moment_types') }}

),

holds as (

    select * from {{ ref('holds') }}

),

unioned as (

    {% for family in families %}
    select {{ columns | join(', ') }} from {{ ref(family) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- How long a moment is worth a reaction is settled when it is detected: a hold does not extend it.
dated as (

    select
        unioned.*,
        moment_types.is_promotional,
        {{ dbt.dateadd('day', 'moment_types.days_valid', 'unioned.detected_at') }}
            as valid_until,
        clock.as_of
    from unioned
    inner join moment_types
        on unioned.moment = moment_types.moment
    cross join clock
    where unioned.detected_at <= clock.as_of
        and unioned.detected_at
        > {{ dbt.dateadd('day', '-' ~ var('moment_history_days'), 'clock.as_of') }}

),

-- Promotional moments that are still worth something and were detected while a hold stood. Of what
-- a hold kept back only the newest is left when it ends: nobody gets all of it at once.
kept_back as (

    select
        dated.customer_id,
        dated.moment,
        dated.entry_key,
        row_number() over (
            partition by dated.customer_id
            order by dated.detected_at desc, dated.moment, dated.entry_key
        ) as backlog_rank
    from dated
    inner join holds
        on dated.customer_id = holds.customer_id
            and dated.detected_at >= holds.starts_at
            and (holds.ends_at is null or dated.detected_at < holds.ends_at)
    where dated.is_promotional
        and dated.valid_until > dated.as_of
    group by
        dated.customer_id,
        dated.moment,
        dated.entry_key,
        dated.detected_at

),

held as (

    select distinct customer_id from holds
    where is_active

),

judged as (

    select
        dated.customer_id,
        dated.moment,
        dated.entry_key,
        dated.is_promotional,
        dated.valid_until > dated.as_of
        and (
            not dated.is_promotional
            or (held.customer_id is null and coalesce(kept_back.backlog_rank, 1) = 1)
        ) as is_open,
        dated.occurred_at,
        dated.detected_at,
        dated.valid_until,
        dated.evidence
    from dated
    left join held
        on dated.customer_id = held.customer_id
    left join kept_back
        on dated.customer_id = kept_back.customer_id
            and dated.moment = kept_back.moment
            and dated.entry_key = kept_back.entry_key

)

select * from judged
