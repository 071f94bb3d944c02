"""Train and apply a prediction on a warehouse in one step, as its two assets do in two."""

from pathlib import Path
from typing import Any

from ml.prediction import Prediction
from orchestration import predicting, scoring
from orchestration.warehouse import Connection


def train_and_score(
    connection: Connection,
    prediction: Prediction,
    models: Path,
    *,
    batch_customers: int = scoring.BATCH_CUSTOMERS,
) -> dict[str, Any]:
    """Store model, training and result; return the row of the training."""
    row = predicting.remember(predicting.train(connection, prediction), models)
    predicting.replace_training(connection, row)
    models.mkdir(parents=True, exist_ok=True)
    results = scoring.score(connection, prediction, models, batch_customers=batch_customers)
    with scoring.spooled(results, prediction, models) as scored:
        scoring.replace_result(connection, prediction, scored.rows)
    return row
