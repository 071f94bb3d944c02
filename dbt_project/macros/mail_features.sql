{#- E-mails sent and reactions in 90 days per customer and date of spine_dates. -#}
{% macro mail_features() %}
    select
        contacts.customer_id,
        spine_dates.as_of,
        {{ count_where("contacts.contact_type = 'send'") }} as count_sends_90d,
        {{ count_where("contacts.contact_type = 'click'") }} as count_clicks_90d,
        {{ count_where("contacts.contact_type = 'open' and not contacts.is_machine") }}
            as count_human_opens_90d
    from {{ ref('int_mail_contacts_assigned') }} as contacts
    inner join spine_dates
        on
            contacts.occurred_at < spine_dates.as_of
            and contacts.occurred_at >= spine_dates.starts_90d_before
    group by contacts.customer_id, spine_dates.as_of
{% endmacro %}
