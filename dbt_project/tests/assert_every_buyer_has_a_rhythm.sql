select occasions.customer_id
from {{ ref('int_purchase_occasions') }} as occasions
left join {{ ref('purchase_rhythm') }} as rhythm
    on occasions.customer_id = rhythm.customer_id
where rhythm.customer_id is null
