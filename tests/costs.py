"""Roughly how many seconds a file takes of one process of two: its quick tests, and its slow ones.

`pytest --durations=0` tells them anew. Only the order follows from it, so it need not be exact; a
file of less than ten seconds is not worth a line.
"""

from collections.abc import Sequence

COSTS = {
    "activation/test_attempts.py": (24, 0),
    "activation/test_convergence.py": (0, 34),
    "activation/test_crashes.py": (50, 0),
    "activation/test_delivery.py": (22, 0),
    "activation/test_jumps.py": (23, 0),
    "activation/test_plan.py": (38, 0),
    "activation/test_sealing.py": (14, 0),
    "activation/test_sftp.py": (13, 0),
    "activation/test_table.py": (11, 0),
    "activation/test_table_crashes.py": (11, 0),
    "activation/test_table_refusals.py": (12, 0),
    "activation/test_unchanged.py": (0, 30),
    "activation/test_web_push.py": (12, 0),
    "activation/test_withdrawals.py": (14, 0),
    "contracts/test_brevo.py": (19, 0),
    "contracts/test_faults.py": (0, 189),
    "contracts/test_hubspot.py": (13, 0),
    "contracts/test_sandbox.py": (97, 0),
    "dbt/consent/test_consents_always.py": (0, 46),
    "dbt/foundation/test_devices.py": (44, 0),
    "dbt/foundation/test_empty_sources.py": (0, 70),
    "dbt/foundation/test_identity_links.py": (30, 0),
    "dbt/foundation/test_identity_rules.py": (15, 0),
    "dbt/foundation/test_identity_runs.py": (0, 66),
    "dbt/foundation/test_identity_truth.py": (0, 26),
    "dbt/foundation/test_materialization.py": (11, 0),
    "dbt/identity/test_persons_always.py": (0, 44),
    "dbt/lifecycle/test_corrections.py": (0, 35),
    "dbt/lifecycle/test_lead_scores.py": (0, 44),
    "dbt/lifecycle/test_next_actions.py": (0, 31),
    "dbt/lifecycle/test_point_in_time.py": (20, 35),
    "dbt/lifecycle/test_real_orders.py": (0, 15),
    "dbt/lifecycle/test_scores.py": (0, 48),
    "dbt/lifecycle/test_truth.py": (0, 66),
    "dbt/measurement/test_uplift.py": (0, 19),
    "dbt/moments/test_moments.py": (0, 74),
    "dbt/offers/test_offers.py": (0, 89),
    "dbt/predictions/test_predictions_come_true.py": (0, 100),
    "dbt/timing/test_contact_times.py": (0, 49),
    # The first of these makes the demo that the others look at.
    "e2e/test_audiences.py": (109, 0),
    "e2e/test_consent_cases.py": (0, 23),
    "e2e/test_consent_replay.py": (0, 379),
    "e2e/test_erasure.py": (0, 310),
    "e2e/test_export.py": (24, 0),
    "e2e/test_online_retail.py": (0, 114),
    "e2e/test_pseudonymity.py": (0, 58),
    "e2e/test_runs.py": (25, 157),
    "e2e/test_segments.py": (0, 66),
    "e2e/test_shops.py": (0, 74),
    "ml/test_channel_and_time.py": (0, 35),
    "ml/test_hard_data.py": (0, 124),
    "ml/test_identity_links.py": (0, 67),
    "ml/test_lead_score.py": (0, 29),
    "ml/test_leaks.py": (0, 89),
    "ml/test_next_action_leaks.py": (0, 13),
    "ml/test_next_offer.py": (16, 0),
    "ml/test_next_order.py": (27, 0),
    "ml/test_prediction.py": (30, 0),
    "ml/test_readiness.py": (0, 29),
    "ml/test_segments.py": (0, 24),
    "ml/test_uplift.py": (0, 23),
    "orchestration/test_cards.py": (13, 0),
    "orchestration/test_dbt_runner.py": (25, 0),
    "orchestration/test_identity.py": (13, 0),
    "sandbox/shop/test_simulation.py": (27, 0),
    "sandbox/shop/test_truth.py": (11, 0),
}


def order(tests: Sequence[tuple[str, bool]]) -> list[int]:
    """Return the numbers of tests in their order: those of the longest file first.

    A test is its file and whether it is slow. A file counts with what is there of it; its tests
    stay together, as they are, and so do files that take equally long.
    """
    kinds: dict[str, set[bool]] = {}
    for file, is_slow in tests:
        kinds.setdefault(file, set()).add(is_slow)
    costs = {file: sum(COSTS.get(file, (0, 0))[one] for one in kinds[file]) for file in kinds}
    ranks = {file: rank for rank, file in enumerate(sorted(kinds, key=lambda one: -costs[one]))}
    return sorted(range(len(tests)), key=lambda number: ranks[tests[number][0]])
