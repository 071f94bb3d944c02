"""A version comes back exactly as it was saved, or not at all."""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from skops import io

from ml.errors import RegistryError, VersionCorrupt, VersionNotFound
from ml.models.next_order import fit, predict
from ml.prediction import Model, Trained
from ml.recipes import BASELINE
from ml.registry import Registry, version_row

if TYPE_CHECKING:
    from tests.ml.conftest import Shop

NAME = "next_order"
SCORED_AT = pd.Timestamp("2026-11-01 04:00")


@pytest.fixture(scope="module")
def trained(shop: Shop) -> Trained:
    """A training with a champion and a challenger of different kinds."""
    result = fit(shop.frames, as_of=shop.clock)
    assert isinstance(result, Trained)
    return result


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """An empty store in a folder that does not exist yet."""
    return Registry(tmp_path / "models")


def folder_of(tmp_path: Path, model: Model) -> Path:
    """Return where a version lies."""
    return tmp_path / "models" / model.name / model.version


def record_sums(folder: Path) -> None:
    """Write a manifest that matches whatever the files hold now."""
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "manifest.json"
    }
    (folder / "manifest.json").write_text(json.dumps({"sha256": sums}))


def test_both_models_come_back_with_the_same_scores(
    registry: Registry, trained: Trained, shop: Shop
) -> None:
    """Whatever kind a model is, its probabilities survive the folder to the last bit."""
    sums = registry.publish(trained.champion, trained.challenger, trained.report)

    for alias, model in (("champion", trained.champion), ("challenger", trained.challenger)):
        loaded = registry.load(NAME, alias, sha256=sums[alias])
        assert replace(loaded, parts={}) == replace(model, parts={})
        pd.testing.assert_frame_equal(
            predict(loaded, shop.frames, scored_at=SCORED_AT),
            predict(model, shop.frames, scored_at=SCORED_AT),
        )


def test_the_baseline_comes_back_too(registry: Registry, random_shop: Shop) -> None:
    """A shop without evidence publishes its table of rates through the same store."""
    result = fit(
        random_shop.frames,
        as_of=random_shop.clock,
    )
    assert isinstance(result, Trained)
    registry.publish(result.champion, result.challenger, result.report)

    loaded = registry.load(NAME, "champion")

    assert loaded.kind == BASELINE
    assert np.array_equal(loaded.parts["rates"], result.champion.parts["rates"])


def test_saving_again_changes_no_file(registry: Registry, trained: Trained, tmp_path: Path) -> None:
    """A second run on the same data leaves the version untouched."""
    first = registry.save(trained.champion, trained.report)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}

    second = registry.save(trained.champion, trained.report)

    assert second == first
    assert registry.versions(NAME) == [trained.champion.version]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == before


def test_a_version_has_a_page_for_people(
    registry: Registry, trained: Trained, tmp_path: Path
) -> None:
    """The card names the version, the baseline's measures, the windows and the limits."""
    registry.save(trained.champion, trained.report)

    page = (folder_of(tmp_path, trained.champion) / "card.md").read_text(encoding="utf-8")

    assert trained.champion.version in page
    assert "recency_baseline" in page
    assert trained.report["test_as_of"][:10] in page
    assert "## Limits" in page


def test_the_report_comes_back_as_it_was(registry: Registry, trained: Trained) -> None:
    """Measures are stored as plain JSON, without loss."""
    registry.save(trained.champion, trained.report)

    assert registry.report(NAME, trained.champion.version) == trained.report


@pytest.mark.parametrize("name", ["model.skops", "metrics.json", "features.json", "card.md"])
@pytest.mark.parametrize("damage", ["changed", "truncated", "missing"])
def test_a_damaged_file_is_refused_by_name(
    registry: Registry, trained: Trained, tmp_path: Path, name: str, damage: str
) -> None:
    """Nothing is loaded from a version with a file that is not the recorded one."""
    registry.save(trained.champion, trained.report)
    path = folder_of(tmp_path, trained.champion) / name
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] if damage == "truncated" else data + b" ")

    with pytest.raises(VersionCorrupt, match=rf"{name} is .*Delete the folder and train again"):
        registry.load(NAME, trained.champion.version)


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{", b'{"sha256": {}}'])
def test_a_damaged_manifest_is_refused(
    registry: Registry, trained: Trained, tmp_path: Path, content: bytes | None
) -> None:
    """Without sums to check against, nothing is loaded."""
    registry.save(trained.champion, trained.report)
    path = folder_of(tmp_path, trained.champion) / "manifest.json"
    path.unlink() if content is None else path.write_bytes(content)

    with pytest.raises(VersionCorrupt, match=r"manifest\.json is missing or unreadable"):
        registry.load(NAME, trained.champion.version)


def test_training_again_repairs_a_damaged_version(
    registry: Registry, trained: Trained, tmp_path: Path
) -> None:
    """The remedy the error names works."""
    registry.save(trained.champion, trained.report)
    (folder_of(tmp_path, trained.champion) / "model.skops").write_bytes(b"damaged")

    registry.save(trained.champion, trained.report)

    assert registry.load(NAME, trained.champion.version).version == trained.champion.version


def test_a_swapped_model_with_a_fitting_manifest_is_refused_by_the_warehouse_sum(
    registry: Registry, trained: Trained, tmp_path: Path
) -> None:
    """Who can write the folder can write its manifest, but not the sum kept in the warehouse."""
    sums = registry.publish(trained.champion, trained.challenger, trained.report)
    folder = folder_of(tmp_path, trained.champion)
    other = folder_of(tmp_path, trained.challenger) / "model.skops"
    (folder / "model.skops").write_bytes(other.read_bytes())
    record_sums(folder)

    with pytest.raises(VersionCorrupt, match="not the file that the warehouse remembers"):
        registry.load(NAME, "champion", sha256=sums["champion"])


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (io.dumps({"parts": Fraction(1, 3)}), "holds a type that is not trusted"),
        (pickle.dumps({"parts": {}}), "cannot be read"),
        (b"PK no archive", "cannot be read"),
        (io.dumps([1, 2]), "does not hold a model"),
        (io.dumps({"name": NAME}), "does not hold a model"),
    ],
)
def test_a_file_that_is_not_a_model_is_refused_whatever_its_sum(
    registry: Registry, trained: Trained, tmp_path: Path, data: bytes, cause: str
) -> None:
    """Types outside the list, pickles and rubbish are refused even when the manifest fits."""
    registry.save(trained.champion, trained.report)
    folder = folder_of(tmp_path, trained.champion)
    (folder / "model.skops").write_bytes(data)
    record_sums(folder)

    with pytest.raises(VersionCorrupt, match=cause):
        registry.load(NAME, trained.champion.version)


def test_an_unknown_version_is_refused(registry: Registry) -> None:
    """Before the first training there is neither a version nor an alias."""
    with pytest.raises(VersionNotFound, match=r"no version or alias champion .* Train it first"):
        registry.load(NAME, "champion")

    assert registry.versions(NAME) == []
    assert registry.aliases(NAME) == {}


def test_an_alias_moves_only_to_a_version_that_is_there(
    registry: Registry, trained: Trained
) -> None:
    """A failed move leaves the alias where it was."""
    registry.publish(trained.champion, trained.challenger, trained.report)

    with pytest.raises(VersionNotFound):
        registry.set_aliases(NAME, {"champion": "2099-01-01-logistic-00000000"})

    assert registry.aliases(NAME) == {
        "champion": trained.champion.version,
        "challenger": trained.challenger.version,
    }


def test_moving_one_alias_leaves_the_other(registry: Registry, trained: Trained) -> None:
    """Promoting the challenger by hand is one step."""
    registry.publish(trained.champion, trained.challenger, trained.report)

    registry.set_aliases(NAME, {"champion": trained.challenger.version})

    version = trained.challenger.version
    assert registry.aliases(NAME) == {"champion": version, "challenger": version}


@pytest.mark.parametrize("content", ["{", "[]", '{"champion": 3}'])
def test_damaged_aliases_are_refused(
    registry: Registry, trained: Trained, tmp_path: Path, content: str
) -> None:
    """An alias file that cannot be read is an error, not an empty list."""
    registry.publish(trained.champion, trained.challenger, trained.report)
    (tmp_path / "models" / NAME / "aliases.json").write_text(content)

    with pytest.raises(VersionCorrupt, match="not a list of aliases"):
        registry.load(NAME, "champion")


@pytest.mark.parametrize("version", ["../../secret", "/etc", "", ".", "..", "a/b", "a\\b"])
def test_names_cannot_leave_the_store(registry: Registry, version: str) -> None:
    """A version is a plain name, never a path."""
    with pytest.raises(RegistryError, match="not allowed"):
        registry.load(NAME, version)


def test_a_save_that_was_cut_off_is_not_a_version(
    registry: Registry, trained: Trained, tmp_path: Path
) -> None:
    """What a killed run leaves behind is neither listed nor in the way."""
    draft = tmp_path / "models" / NAME / ".saving-x" / trained.champion.version
    draft.mkdir(parents=True)
    (draft / "model.skops").write_bytes(b"half")

    registry.save(trained.champion, trained.report)

    assert registry.versions(NAME) == [trained.champion.version]


def test_a_version_is_one_row_of_plain_values(
    registry: Registry, trained: Trained, shop: Shop
) -> None:
    """Each alias gives a row with its own measures, its file's sum and the report as JSON."""
    sums = registry.publish(trained.champion, trained.challenger, trained.report)

    rows: list[dict[str, Any]] = [
        version_row(model, trained.report, alias=alias, sha256=sums[alias], created_at=SCORED_AT)
        for alias, model in (("champion", trained.champion), ("challenger", trained.challenger))
    ]

    assert [row["auc"] for row in rows] == [
        trained.report["metrics"][row["kind"]]["auc"] for row in rows
    ]
    assert rows[0]["sha256"] == sums["champion"] != rows[1]["sha256"]
    assert json.loads(rows[0]["report"]) == trained.report
    assert rows[0]["as_of"] == shop.clock
    assert rows[0]["count_training_rows"] + rows[0]["count_test_rows"] == sum(
        row["count"] for row in trained.report["windows"]
    )


PLAIN = Model("value", "2026-11-01-mean", "mean", 365, SCORED_AT, (), {"mean": 2.5, "names": ["a"]})


def test_numbers_and_names_are_kept_as_json(registry: Registry, tmp_path: Path) -> None:
    """A model that JSON can hold is a file that anybody can read, checked all the same."""
    sha256 = registry.save(PLAIN, {"card": "# value\n"})

    folder = folder_of(tmp_path, PLAIN)
    assert registry.load("value", PLAIN.version, sha256=sha256) == PLAIN
    assert json.loads((folder / "model.json").read_text())["parts"] == PLAIN.parts
    assert not (folder / "model.skops").exists()
    with pytest.raises(VersionCorrupt, match=r"model\.json is not the file that the warehouse"):
        registry.load("value", PLAIN.version, sha256="0" * 64)


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "value"}'])
def test_json_that_is_no_model_is_refused_whatever_its_sum(
    registry: Registry, tmp_path: Path, text: str
) -> None:
    """A manifest that fits does not make a model of it."""
    registry.save(PLAIN, {"card": "# value\n"})
    folder = folder_of(tmp_path, PLAIN)
    (folder / "model.json").write_text(text)
    record_sums(folder)

    with pytest.raises(VersionCorrupt, match=r"model\.json (cannot be read|does not hold)"):
        registry.load("value", PLAIN.version)
