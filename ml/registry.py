"""The model store: versions in a folder, checked before they are loaded, never a pickle."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ml.card import Card, render
from ml.errors import RegistryError, VersionCorrupt, VersionNotFound
from ml.features import describe, fingerprint
from ml.model_files import MODELS, as_json, corrupt, dumps, loads
from ml.prediction import Model

Alias = Literal["champion", "challenger"]

METRICS, FEATURE_LIST, CARD, MANIFEST, ALIASES = (
    "metrics.json",
    "features.json",
    "card.md",
    "manifest.json",
    "aliases.json",
)
DESCRIPTIONS = (METRICS, FEATURE_LIST, CARD)
PICTURE = ".png"
ALLOWED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Registry:
    """Versions of models below one folder: <root>/<model name>/<version>/."""

    def __init__(self, root: Path) -> None:
        """Use a folder, which is made when the first version is saved."""
        self._root = Path(root)

    def save(self, model: Model, report: Mapping[str, Any], page: Card | None = None) -> str:
        """Store a model with its report and card; return the SHA-256 of its file.

        A version that is there and intact is left as it is; a damaged one is replaced. The folder
        appears whole or not at all.
        """
        folder = self._folder(model.name, model.version)
        if folder.exists():
            try:
                return _sum(_model_file(_verified(folder))[1])
            except VersionCorrupt:
                shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".saving-") as name:
            draft = Path(name) / folder.name
            draft.mkdir()
            _write_files(draft, model, report, page or Card(render(model, report)))
            _move(draft, folder)
        return _sum(_model_file(_verified(folder))[1])

    def publish(
        self,
        champion: Model,
        challenger: Model,
        report: Mapping[str, Any],
        pages: Mapping[Alias, Card] | None = None,
    ) -> dict[Alias, str]:
        """Store both models of a training, then point both aliases at them; return their sums."""
        models: dict[Alias, Model] = {"champion": champion, "challenger": challenger}
        cards = pages or {}
        sums = {
            alias: self.save(model, report, cards.get(alias)) for alias, model in models.items()
        }
        versions = {alias: model.version for alias, model in models.items()}
        self.set_aliases(champion.name, versions)
        return sums

    def load(self, name: str, version_or_alias: str, *, sha256: str | None = None) -> Model:
        """Load a version or alias; its bytes are checked before anything is made of them.

        `sha256` is the sum the warehouse remembers; without it the manifest in the folder counts.
        Raises VersionNotFound, or VersionCorrupt for a missing, changed or untrusted file.
        """
        folder = self._existing(name, version_or_alias)
        file, data = _model_file(_verified(folder))
        if sha256 is not None and _sum(data) != sha256:
            raise corrupt(folder, f"{file} is not the file that the warehouse remembers")
        return loads(file, data, folder)

    def report(self, name: str, version_or_alias: str) -> dict[str, Any]:
        """Return the report a version was saved with."""
        files = _verified(self._existing(name, version_or_alias))
        report: dict[str, Any] = json.loads(files[METRICS])
        return report

    def versions(self, name: str) -> list[str]:
        """Return the stored versions of a model, oldest date first; none is an empty list."""
        folder = self._root / _checked(name)
        if not folder.is_dir():
            return []
        return sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}"))

    def aliases(self, name: str) -> dict[str, str]:
        """Return which version each alias names."""
        path = self._root / _checked(name) / ALIASES
        if not path.exists():
            return {}
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return {str(alias): _checked(version) for alias, version in found.items()}
        except (ValueError, AttributeError, TypeError):
            message = f"{path} is not a list of aliases. Delete it and train again."
            raise VersionCorrupt(message) from None

    def set_aliases(self, name: str, versions: Mapping[Alias, str]) -> None:
        """Point aliases at stored versions, all in one step; other aliases stay."""
        for version in versions.values():
            self._existing(name, version)
        path = self._root / _checked(name) / ALIASES
        _replace(path, as_json({**self.aliases(name), **versions}))

    def _folder(self, name: str, version: str) -> Path:
        """Return the folder of a version, refusing names that could leave the store."""
        return self._root / _checked(name) / _checked(version)

    def _existing(self, name: str, version_or_alias: str) -> Path:
        """Return the folder of a stored version or alias."""
        version = self.aliases(name).get(version_or_alias, version_or_alias)
        folder = self._folder(name, version)
        if not folder.is_dir():
            raise VersionNotFound(
                f"Model {name} has no version or alias {version_or_alias} in {self._root}. "
                "Train it first."
            )
        return folder


def version_row(
    model: Model,
    report: Mapping[str, Any],
    *,
    alias: Alias,
    sha256: str,
    created_at: pd.Timestamp,
) -> dict[str, Any]:
    """Return a version as one row of a warehouse table: what it is, how good, which file.

    Measures are those of this version's kind on the test window, None where undefined.
    """
    measures = report["metrics"][model.kind]
    test = next(row for row in report["windows"] if row["as_of"] == report["test_as_of"])
    return {
        "model_name": model.name,
        "model_version": model.version,
        "alias": alias,
        "kind": model.kind,
        "status": report["status"],
        "reason": report["reason"],
        "horizon_days": model.horizon_days,
        "as_of": model.as_of,
        "seed": report["seed"],
        "feature_fingerprint": report["feature_fingerprint"],
        "count_training_rows": sum(row["count"] for row in report["windows"]) - test["count"],
        "count_test_rows": measures["count"],
        "base_rate": measures["base_rate"],
        "mean_probability": measures["mean_probability"],
        "auc": measures["auc"],
        "brier": measures["brier"],
        "log_loss": measures["log_loss"],
        "expected_calibration_error": measures["expected_calibration_error"],
        "calibration_ratio": measures["calibration_ratio"],
        "lift_at_10_percent": measures["lift_at_10_percent"],
        "baseline_auc": report["metrics"]["recency_baseline"]["auc"],
        "baseline_log_loss": report["metrics"]["recency_baseline"]["log_loss"],
        "report": json.dumps(report, sort_keys=True),
        "sha256": sha256,
        "created_at": created_at,
    }


def _write_files(folder: Path, model: Model, report: Mapping[str, Any], page: Card) -> None:
    """Write the files of a version, the manifest with their sums last."""
    known = [feature for feature in describe() if feature["name"] in model.feature_names]
    file, data = dumps(model)
    files = {
        file: data,
        METRICS: as_json(dict(report)),
        FEATURE_LIST: as_json({"fingerprint": fingerprint(), "features": known}),
        CARD: page.text.encode(),
        **{_checked(name): image for name, image in page.pictures.items()},
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    sums = {name: _sum(data) for name, data in files.items()}
    (folder / MANIFEST).write_bytes(as_json({"sha256": sums}))


def _verified(folder: Path) -> dict[str, bytes]:
    """Return the files of a version, read once and equal to the sums in its manifest."""
    try:
        sums = json.loads((folder / MANIFEST).read_bytes())["sha256"]
        names = [name for name in MODELS if name in sums]
        pictures = [_checked(name) for name in sums if name.endswith(PICTURE)]
        recorded = {name: str(sums[name]) for name in (names[0], *DESCRIPTIONS, *pictures)}
    except (OSError, ValueError, LookupError, TypeError, RegistryError):
        raise corrupt(folder, f"{MANIFEST} is missing or unreadable") from None
    files = {}
    for name, expected in recorded.items():
        try:
            files[name] = (folder / name).read_bytes()
        except OSError:
            raise corrupt(folder, f"{name} is missing or unreadable") from None
        if _sum(files[name]) != expected:
            raise corrupt(folder, f"{name} is not the file that was recorded")
    return files


def _model_file(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Return the name and the bytes of what the model learnt."""
    name = next(name for name in MODELS if name in files)
    return name, files[name]


def _checked(name: str) -> str:
    """Return a name of a model or version, refusing what is not a plain file name."""
    if not ALLOWED_NAME.fullmatch(name):
        raise RegistryError(
            "A model or version name holds characters that are not allowed. "
            "Use letters, digits, dots, dashes and underscores."
        )
    return name


def _move(draft: Path, folder: Path) -> None:
    """Put a whole version in its place; another run may have saved the same one meanwhile."""
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _replace(path: Path, data: bytes) -> None:
    """Write a file beside its place and move it there in one step."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".saving-", delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)


def _sum(data: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()
