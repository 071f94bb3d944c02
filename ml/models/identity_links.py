"""identity_links: which records are of one person, by what their names and addresses say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.linking.spellings import group_equal, unswap_names

if TYPE_CHECKING:
    from ml.linking.matching import Compared
    from ml.linking.training import Level

RECIPE = 1
KEY = ("source", "source_record_key")
TEXTS = ("first_name", "last_name", "street", "house_number", "postal_code", "city")
NUMBERS = ("date_of_birth", "personal_number")
LINK, REVIEW, VETOED = "link", "review", "vetoed"
SCHEMA = pa.schema(
    [
        *((f"{name}_{side}", pa.string()) for side in "ab" for name in KEY),
        *((name, pa.string()) for name in ("decision", "reason")),
        *((name, pa.float64()) for name in ("probability", "match_weight")),
        ("evidence", pa.string()),
        ("threshold", pa.float64()),
        ("model_version", pa.string()),
        ("scored_at", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True)
class LinkSettings:
    """What the records are like, and how sure a link has to be.

    `has_households`: several people may live at one address, so another given name or date of
    birth vetoes a link unless a personal number agrees, and an initial links only where one person
    fits. `numbers`: the columns of NUMBERS that the records have. `target_precision` is the share
    of links that should be right, `lowest_threshold` the lowest probability that may ever link,
    `review_from` the lowest that a person should see.
    `pair_budget` is how many pairs of records may be compared by ordinary keys; beyond it, records
    that agree in what many agree in have to agree in one thing more.
    Fewer linkable records than `minimum_linkable`, or than `minimum_share` of all, are refused.
    """

    has_households: bool = True
    numbers: tuple[str, ...] = ()
    target_precision: float = 0.98
    lowest_threshold: float = 0.8
    review_from: float = 0.2
    minimum_linkable: int = 100
    minimum_share: float = 0.005
    pair_budget: int = 5_000_000
    seed: int = 1


DEFAULT = LinkSettings()


@dataclass(frozen=True)
class LinkOutcome:
    """Edges between records (SCHEMA) and how they came about; a refusal has a reason and no edges.

    `threshold` is None where no threshold reaches the target: then nothing is a link.
    `expected_precision` is the mean probability of the links. `report` is plain JSON data and
    holds no value of any record.
    """

    edges: pa.Table = field(repr=False)
    threshold: float | None = None
    expected_precision: float | None = None
    model_version: str | None = None
    refusal: str | None = None
    report: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def count(self, decision: str) -> int:
        """Return how many edges have a decision."""
        return int(self.edges.column("decision").to_pylist().count(decision))


def find_refusal(records: int, linkable: int, settings: LinkSettings = DEFAULT) -> str | None:
    """Say why so few records are not worth a model, or return None."""
    if linkable < settings.minimum_linkable:
        return (
            f"{linkable:,} records have a postal address and no identifier, "
            f"{settings.minimum_linkable:,} are needed"
        )
    if linkable < settings.minimum_share * records:
        return (
            f"{linkable / records:.2%} of the records have a postal address and no identifier, "
            f"{settings.minimum_share:.2%} are needed"
        )
    return None


def refuse(reason: str) -> LinkOutcome:
    """Return an outcome without edges."""
    return LinkOutcome(SCHEMA.empty_table(), refusal=reason)


def link(
    records: pa.Table, settings: LinkSettings = DEFAULT, *, scored_at: datetime
) -> LinkOutcome:
    """Link records that no identifier connects to others of the same name and postal address.

    Takes one row per record: source, source_record_key, is_linkable, first_name, last_name,
    street, house_number, postal_code, city and the columns `settings.numbers`; texts are compared
    as they are written, so fold case and accents before. Returns the pairs with at least one
    linkable record that are links, wait for a person, or would be links but for a veto. Equal
    records give equal edges in whatever order they come. Learns without labels.
    """
    linkable = int(np.count_nonzero(records.column("is_linkable").to_numpy()))
    refusal = find_refusal(records.num_rows, linkable, settings)
    if refusal:
        return refuse(refusal)
    texts = [*TEXTS, *settings.numbers]
    frame = records.select([*KEY, "is_linkable", *texts]).to_pandas()
    frame = frame.sort_values([*KEY], ignore_index=True).pipe(unswap_names)
    unit = group_equal(frame, texts)
    units = frame.assign(unique_id=unit).drop_duplicates("unique_id", ignore_index=True)
    scores, compared = _score(units[["unique_id", "is_linkable", *texts]], settings)
    levels = compared.levels
    scores = _decide(scores, units["first_name"], settings)
    model_version = _version(settings, levels)
    scores = scores.assign(evidence=_evidence(scores, levels), model_version=model_version)
    edges = _edges(scores, frame, unit).assign(scored_at=scored_at)
    table = pa.Table.from_pandas(edges, schema=SCHEMA, preserve_index=False)
    links = scores[scores["decision"] == LINK]
    return LinkOutcome(
        table.replace_schema_metadata(None),
        threshold=None if scores["threshold"].isna().all() else float(scores["threshold"].iloc[0]),
        expected_precision=float(links["probability"].mean()) if len(links) else None,
        model_version=model_version,
        report={
            "settings": asdict(settings),
            "count_records": len(frame),
            "count_linkable": linkable,
            "count_units": len(units),
            "count_pairs": len(compared.pairs),
            "count_pairs_left_out": compared.count_left_out,
            "levels": [asdict(level) for level in levels],
        },
    )


def _score(units: pd.DataFrame, settings: LinkSettings) -> tuple[pd.DataFrame, Compared]:
    """Return the pairs with bits per field (`bits_…`), match_weight, probability and veto.

    `unopposed` is the probability if the fields that can veto had said nothing against it.
    """
    # Splink is loaded where there is work for it.
    from ml.linking import calibration, matching, training, vetoes

    compared = matching.compare(
        units,
        settings.numbers,
        has_households=settings.has_households,
        seed=settings.seed,
        pair_budget=settings.pair_budget,
    )
    pairs = compared.pairs
    veto = vetoes.find_vetoes(pairs, has_households=settings.has_households)
    total, linkable = len(units), int(units["is_linkable"].sum())
    count_pairs = linkable * (linkable - 1) // 2 + linkable * (total - linkable)
    bits = calibration.weigh(
        compared, count_pairs, (veto != "").to_numpy(), has_households=settings.has_households
    )
    vetoing = [name for name in ("first_name", "date_of_birth") if name in bits]
    unopposed = (bits.sum(axis=1) - bits[vetoing].clip(upper=0).sum(axis=1)).to_numpy()
    if settings.has_households:
        bits = calibration.correct_for_relatives(pairs, bits)
    weight = bits.sum(axis=1).to_numpy()
    scored = pairs.assign(
        veto=veto,
        match_weight=weight,
        probability=training.probability(weight),
        unopposed=training.probability(unopposed),
    )
    return scored.join(bits.add_prefix("bits_")), compared


def _decide(scores: pd.DataFrame, given_names: pd.Series, settings: LinkSettings) -> pd.DataFrame:
    """Return the pairs worth keeping with decision, reason and the threshold of this run."""
    from ml.linking import calibration, vetoes

    is_vetoed = (scores["veto"] != "").to_numpy()
    chance = scores["probability"].to_numpy()
    is_likely = ~is_vetoed & (chance >= settings.review_from)
    is_doubtful = np.zeros(len(scores), dtype=bool)
    if settings.has_households:
        is_doubtful = vetoes.find_doubtful(scores, given_names, is_likely)
    threshold = calibration.choose_threshold(
        chance[is_likely & ~is_doubtful], settings.target_precision, settings.lowest_threshold
    )
    is_link = is_likely & ~is_doubtful & (chance >= (2.0 if threshold is None else threshold))
    would_link = is_vetoed & (scores["unopposed"].to_numpy() >= settings.lowest_threshold)
    decision = np.select([is_link, is_likely, would_link], [LINK, REVIEW, VETOED], "")
    doubt = np.where(is_doubtful, vetoes.SEVERAL_FIT, vetoes.BELOW_THRESHOLD)
    reason = np.select([is_likely, is_vetoed], [doubt, scores["veto"].to_numpy()], "")
    decided = scores.assign(decision=decision, reason=reason, threshold=threshold)
    kept: pd.DataFrame = decided[decision != ""].reset_index(drop=True)
    kept["reason"] = kept["reason"].mask(kept["decision"] == LINK)
    return kept


def _evidence(scores: pd.DataFrame, levels: Sequence[Level]) -> list[str]:
    """Return, as JSON, the level that each field reached and its weight in bits."""
    labels = {(level.field, level.value): level.label for level in levels}
    names = [str(name) for name in scores.columns]
    fields = [name.removeprefix("bits_") for name in names if name.startswith("bits_")]
    told: list[dict[str, Any]] = [{} for _ in range(len(scores))]
    for name in fields:
        bits = scores[f"bits_{name}"].round(2).tolist()
        reached = scores[f"level_{name}"].tolist() if f"level_{name}" in scores else None
        for row, weight in enumerate(bits):
            label = labels.get((name, int(reached[row])), "missing") if reached else None
            told[row][name] = {"weight": weight, **({"level": label} if label else {})}
    return [json.dumps(one) for one in told]


def _edges(scores: pd.DataFrame, frame: pd.DataFrame, unit: Any) -> pd.DataFrame:
    """Give every pair of units to the records they stand for, a before b, in order."""
    members = frame[[*KEY]].assign(unit=unit)
    edges = scores
    for side in "ab":
        named = members.add_suffix(f"_{side}")
        edges = edges.merge(named, left_on=side, right_on=f"unit_{side}")
    keys = {side: [f"{name}_{side}" for name in KEY] for side in "ab"}
    is_turned = pd.Series(list(zip(*(edges[name] for name in keys["b"]), strict=True))) < pd.Series(
        list(zip(*(edges[name] for name in keys["a"]), strict=True))
    )
    first, second = edges[keys["a"]].to_numpy(), edges[keys["b"]].to_numpy()
    turned = is_turned.to_numpy()[:, None]
    edges[keys["a"]], edges[keys["b"]] = (
        np.where(turned, second, first), np.where(turned, first, second),
    )  # fmt: skip
    return edges.sort_values([*keys["a"], *keys["b"]], ignore_index=True)


def _version(settings: LinkSettings, levels: Sequence[Level]) -> str:
    """Name the model by Splink's version and what it learned: equal data gives equal names."""
    learned = [
        (level.field, level.value, f"{level.m or 0:.9f}", f"{level.u or 0:.9f}") for level in levels
    ]
    facts = json.dumps([RECIPE, asdict(settings), learned])
    return f"splink-{version('splink')}-{hashlib.sha256(facts.encode()).hexdigest()[:8]}"
