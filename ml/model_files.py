"""What a model learnt as the bytes of one file, never a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ml.errors import VersionCorrupt
from ml.prediction import Model

SKOPS, PLAIN = "model.skops", "model.json"
MODELS = (SKOPS, PLAIN)

# Beyond what skops trusts by itself. Each type was read before it was added: TreePredictor holds
# the arrays of one tree and runs nothing when it is made.
TRUSTED_TYPES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)


def dumps(model: Model) -> tuple[str, bytes]:
    """Return the name and bytes of a model's file: JSON where that says everything, else skops."""
    content = {
        "name": model.name,
        "version": model.version,
        "kind": model.kind,
        "horizon_days": model.horizon_days,
        "as_of": model.as_of.isoformat(),
        "feature_names": list(model.feature_names),
        "parts": dict(model.parts),
    }
    try:
        return PLAIN, as_json(content)
    except TypeError:
        from skops import io

        return SKOPS, io.dumps(content)


def loads(file: str, data: bytes, folder: Path) -> Model:
    """Return the model that a file of a version describes, or raise VersionCorrupt."""
    content = _loads_skops(folder, data) if file == SKOPS else _loads_plain(folder, data)
    return _model_from(content, file, folder)


def _loads_skops(folder: Path, data: bytes) -> Mapping[str, Any]:
    """Return what a skops file holds, refusing every type that is not on the list."""
    from skops import io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        content = io.loads(data, trusted=list(TRUSTED_TYPES))
    except UntrustedTypesFoundException:
        raise corrupt(folder, f"{SKOPS} holds a type that is not trusted") from None
    except Exception as error:
        raise corrupt(folder, f"{SKOPS} cannot be read ({type(error).__name__})") from error
    if not isinstance(content, dict):
        raise corrupt(folder, f"{SKOPS} does not hold a model")
    return content


def _loads_plain(folder: Path, data: bytes) -> Mapping[str, Any]:
    """Return what a JSON file holds."""
    try:
        content = json.loads(data)
    except ValueError as error:
        raise corrupt(folder, f"{PLAIN} cannot be read ({type(error).__name__})") from error
    if not isinstance(content, dict):
        raise corrupt(folder, f"{PLAIN} does not hold a model")
    return content


def _model_from(content: Mapping[str, Any], file: str, folder: Path) -> Model:
    """Return the model a file describes."""
    try:
        return Model(
            name=content["name"],
            version=content["version"],
            kind=content["kind"],
            horizon_days=content["horizon_days"],
            as_of=pd.Timestamp(content["as_of"]),
            feature_names=tuple(content["feature_names"]),
            parts=content["parts"],
        )
    except (KeyError, TypeError, ValueError):
        raise corrupt(folder, f"{file} does not hold a model") from None


def corrupt(folder: Path, cause: str) -> VersionCorrupt:
    """Return the error for a damaged version."""
    return VersionCorrupt(f"{folder}: {cause}. Delete the folder and train again.")


def as_json(content: Any) -> bytes:
    """Return data as readable JSON; raises TypeError for what JSON cannot say."""
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()
