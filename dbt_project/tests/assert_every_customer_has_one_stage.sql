-- Everybody who is no test account has a stage, and every buyer one that knows of the
-- purchase.
select
    customers.customer_id,
    lifecycle_stages.stage
from {{ ref('customers') }} as customers
full outer join {{ ref('lifecycle_stages') }} as lifecycle_stages
    on lifecycle_stages.customer_id = customers.customer_id
where
    coalesce(customers.is_test, true) <> (lifecycle_stages.customer_id is null)
    or (
        not customers.is_test
        and (customers.count_orders > 0)
        <> (coalesce(lifecycle_stages.stage, 'lead') not in ('lead', 'visitor'))
    )
