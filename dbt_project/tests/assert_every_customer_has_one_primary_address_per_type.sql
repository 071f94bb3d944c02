-- Whoever has an address of a type has exactly one best one.
select
    customer_id,
    identifier_type
from {{ ref('contact_points') }}
where customer_id is not null
group by
    customer_id,
    identifier_type
having sum(case when is_primary then 1 else 0 end) <> 1
