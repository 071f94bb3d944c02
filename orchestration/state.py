"""Read where the warehouse stands: the moment it looks at the world from, and which models hold."""

import json
from datetime import datetime
from pathlib import Path

from activation.syncs import ModelState
from orchestration.warehouse import Connection


def read_clock(connection: Connection) -> datetime:
    """Return the moment the run looks at the world from."""
    as_of: datetime = connection.execute("select max(as_of) from raw.clock")[0][0]
    return as_of


def read_model(connection: Connection, failing_models: Path) -> ModelState:
    """Return what dbt says of the models: which ones failed, and when they were built for."""
    built: datetime | None = None
    if connection.table_exists("insight", "lifecycle_stages"):
        built = connection.execute("select max(as_of) from insight.lifecycle_stages")[0][0]
    return ModelState(read_failures(failing_models), built)


def read_failures(failing_models: Path) -> frozenset[str]:
    """Return the names of models whose last build or test failed."""
    is_there = failing_models.exists()
    return frozenset(json.loads(failing_models.read_text())) if is_there else frozenset()
