-- Nobody is nudged as new, won back as lost and thanked as loyal at once, and whoever
-- is has bought.
select customer_id
from {{ ref('audience_flags') }}
where
    case when is_second_purchase_nudge then 1 else 0 end
    + case when is_win_back then 1 else 0 end
    + case when is_loyal_early_access then 1 else 0 end
    > case when is_existing_customer then 1 else 0 end
