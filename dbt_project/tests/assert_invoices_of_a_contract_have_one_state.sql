-- Every invoice of a contract is counted in exactly one state, and no contract ends before it
-- began.
select contract_id
from {{ ref('contracts') }}
where count_invoices <> count_invoices_paid + count_invoices_open
    + count_invoices_overdue + count_invoices_disputed
    or ends_date < started_date
