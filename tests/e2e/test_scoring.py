"""What is predicted for a customer does not depend on who is scored beside them."""

import pandas as pd
import pytest

from ml.models import PREDICTIONS
from orchestration import scoring
from orchestration.warehouse import Warehouse


@pytest.mark.parametrize("prediction", PREDICTIONS, ids=lambda prediction: prediction.NAME)
def test_a_score_is_the_same_in_any_batch(demo, prediction):
    """Some hundred customers at a time and all at once give the same rows."""
    with Warehouse(demo.home / "warehouse.duckdb").connect(read_only=True) as connection:
        parts, whole = (
            list(scoring.score(connection, prediction, demo.home / "models", batch_customers=size))
            for size in (301, 10**9)
        )
        status = connection.execute(
            "select status from ml.trainings where model_name = ?", (prediction.NAME,)
        )[-1][0]

    if status == "refused":
        assert parts == whole == []
        return
    assert len(parts) > 1 or whole[0][prediction.KEY[0]].nunique() <= 301
    compared = [
        rows.drop(columns="scored_at").sort_values(list(prediction.KEY), ignore_index=True)
        for rows in (pd.concat(parts), whole[0])
    ]
    pd.testing.assert_frame_equal(*compared, rtol=1e-9)
