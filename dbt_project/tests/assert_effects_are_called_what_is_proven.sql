-- Nobody is called persuadable, or somebody to leave alone, by an interval that includes 0; and the
-- gain is the orders that a contact adds times their margin, less its cost.
select customer_id
from {{ ref('contact_effects') }}
where
    (response_type = 'persuadable' and uplift_lower <= 0)
    or (response_type = 'do_not_disturb' and uplift_upper >= 0)
    or uplift not between uplift_lower and uplift_upper
    or abs(expected_gain - (uplift * usual_margin - contact_cost)) > 0.02
    or is_worth_contacting <> (expected_gain > 0)
