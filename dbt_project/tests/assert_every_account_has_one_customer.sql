-- One person, one customer_id: no account, card or contact may lead to two, unless a limit or a
-- declaration says that two people use it (then it is in excluded_identifiers).
select
    identifier_type,
    identifier_value
from {{ ref('customer_identities') }}
where identifier_type in (
        'shop_customer', 'loyalty_card', 'crm_contact', 'mail_subscriber', 'push_token'
    )
    and not is_shared
    and evidence_use <> 'refused'
group by
    identifier_type,
    identifier_value
having min(customer_id) <> max(customer_id)
