"""What is predicted for a customer does not depend on who is scored beside them."""

import pandas as pd
import pyarrow as pa
import pytest

from ml.models import PREDICTIONS
from orchestration import scoring
from orchestration.warehouse import Warehouse


@pytest.mark.parametrize("prediction", PREDICTIONS, ids=lambda prediction: prediction.NAME)
def test_a_score_is_the_same_in_any_batch(demo, prediction):
    """Some hundred customers at a time and all at once give the same rows."""
    with Warehouse(demo.home / "warehouse.duckdb").connect(read_only=True) as connection:
        parts, whole = (
            frames(connection, prediction, demo.home, batch_customers=size) for size in (301, 10**9)
        )
        left = connection.execute("select table_name from duckdb_tables() where temporary")
        status = connection.execute(
            "select status from ml.trainings where model_name = ?", (prediction.NAME,)
        )[-1][0]

    assert left == []
    if status == "refused":
        assert parts == whole == []
        return
    assert len(parts) > 1 or whole[0][prediction.KEY[0]].nunique() <= 301
    assert_same_scores(prediction, pd.concat(parts), whole[0])


def frames(connection, prediction, home, **how):
    return [
        table.to_pandas().astype(dict.fromkeys(texts(table), "str"))
        for table in scoring.score(connection, prediction, home / "models", **how)
    ]


def texts(table):
    return [one.name for one in table.schema if pa.types.is_dictionary(one.type)]


def assert_same_scores(prediction, *found):
    compared = [
        rows.drop(columns="scored_at").sort_values(list(prediction.KEY), ignore_index=True)
        for rows in found
    ]
    pd.testing.assert_frame_equal(*compared, rtol=1e-9)
