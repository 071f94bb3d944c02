with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select * from {{ ref('customers') }}

),

mail_contacts as (

    select * from {{ ref('int_mail_contacts_assigned') }}

),

sessions as (

    select * from {{ ref('sessions') }}

),

-- A visit that a link in a mail brought is that mail's click.
unioned as (

    select
        customer_id,
        'mail' as answer_kind,
        occurred_at as answered_at
    from mail_contacts
    where contact_type in ('open', 'click') and not is_machine
    union all
    select
        customer_id,
        case
            when channel_group = 'push' then 'push'
            when platform = 'app' then 'app'
            else 'web'
        end as answer_kind,
        started_at as answered_at
    from sessions
    where not is_bot and channel_group not in ('email', 'continued')

),

placed as (

    select
        unioned.customer_id,
        unioned.answer_kind,
        unioned.answered_at,
        {{ to_local_date('unioned.answered_at') }} as answer_date
    from unioned
    inner join customers
        on unioned.customer_id = customers.customer_id
    cross join clock
    where unioned.answered_at < clock.as_of

),

numbered as (

    select
        *,
        row_number() over (
            partition by customer_id, answer_kind, answer_date
            order by answered_at
        ) as answer_number
    from placed

),

final as (

    select
        customer_id,
        answer_kind,
        case
            when answer_kind = 'mail' then 'email'
            when answer_kind in ('push', 'app') then 'push'
        end as channel,
        cast(answer_date as date) as answer_date,
        cast({{ to_local_hour('answered_at') }} as {{ dbt.type_bigint() }})
            as local_hour,
        answered_at
    from numbered
    where answer_number = 1

)

select * from final
