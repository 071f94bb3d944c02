"""One file per prediction, and the list of those that are trained and applied."""

from __future__ import annotations

from ml.models import (
    channel_and_time,
    lead_score,
    next_action,
    next_offer,
    next_order,
    orders_and_value,
    second_purchase,
    segments,
    uplift,
)
from ml.prediction import Prediction

PREDICTIONS: tuple[Prediction, ...] = (
    next_order,
    orders_and_value,
    second_purchase,
    next_offer,
    uplift,
    channel_and_time,
    segments,
    lead_score,
    next_action,
)
