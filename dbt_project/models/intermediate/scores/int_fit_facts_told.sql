with

contacts as (

    select * from {{ ref('stg_crm__contacts') }}

),

subscribers as (

    select * from {{ ref('stg_mail__subscribers') }}

),

accounts as (

    select * from {{ ref('stg_shop__customers') }}

),

-- Whatever a contact says has been known since it was last written.
described as (

    select
        concat('contacts:', crm_contact_id) as source_record_key,
        lower(job_title) as job_title,
        lower(industry) as industry,
        case
            when company_size < 10 then '1-9'
            when company_size < 50 then '10-49'
            when company_size < 250 then '50-249'
            when company_size >= 250 then '250+'
        end as company_size,
        coalesce(updated_at, created_at) as updated_at
    from contacts

),

told as (

    {% for attribute, column in [
        ('role', 'job_title'), ('hierarchy', 'job_title'), ('industry', 'industry'),
        ('company_size', 'company_size'),
    ] %}
    select
        'crm' as source,
        source_record_key,
        '{{ attribute }}' as attribute,
        {{ column }} as value,
        updated_at as known_at
    from described
    where {{ column }} is not null
    union all
    {% endfor %}
    select
        'mail' as source,
        concat('subscribers:', mail_subscriber_id) as source_record_key,
        'newsletter' as attribute,
        'yes' as value,
        confirmed_at as known_at
    from subscribers
    where confirmed_at is not null
    union all
    select
        'mail' as source,
        concat('subscribers:', mail_subscriber_id) as source_record_key,
        'newsletter' as attribute,
        'no' as value,
        unsubscribed_at as known_at
    from subscribers
    where unsubscribed_at is not null
    union all
    select
        'shop' as source,
        concat('customers:', shop_customer_id) as source_record_key,
        'account' as attribute,
        'yes' as value,
        created_at as known_at
    from accounts

)

select * from told
