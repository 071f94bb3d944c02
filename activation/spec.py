"""Turn dbt exposures with `config.meta.sync` into validated specs, from the manifest alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from activation.destinations import DESTINATIONS
from activation.destinations.capabilities import Capabilities
from activation.destinations.layout import Layout
from activation.errors import InvalidSpecs, Problem
from activation.spec_rules import (
    CONTACT_POINT,
    INTERNAL,
    MAX_REMOVAL_SHARE,
    MAX_SIZE_CHANGE,
    causes,
    listed,
    segments_read,
    sent_columns,
)


@dataclass(frozen=True)
class Field:
    """A column of the sync model that is sent, with its type from the model's contract."""

    name: str
    data_type: str


@dataclass(frozen=True)
class SyncSpec:
    """One sync: which model's rows go where, under which key and legal ground.

    `fields` are the columns that are sent, in the model's order; `upstream` names every model the
    sync model is built from, `segments` every segment it reads. A sync that is not `is_enabled`
    adds and changes nothing; it only takes back whom the gate forbids. Campaigns leave out whoever
    is on a list that `is_exclusion`. Whoever a row of a source table in `leaves_on` is about that
    landed after the models were built is not sent to before they are built anew. What it offers are
    `similar_goods`: of the kind that each person bought, so that the ground of that name will do.
    """

    name: str
    file: str
    model: str
    model_unique_id: str
    relation: str
    upstream: frozenset[str]
    destination: str
    surface: str
    target: str
    key: str
    mode: str
    purposes: tuple[str, ...]
    channel: str
    fields: tuple[Field, ...]
    has_contact_point: bool = True
    owner_email: str = ""
    max_removal_share: float = MAX_REMOVAL_SHARE
    max_size_change: float = MAX_SIZE_CHANGE
    segments: frozenset[str] = frozenset()
    max_age: timedelta = timedelta(hours=48)
    is_enabled: bool = True
    is_exclusion: bool = False
    leaves_on: frozenset[str] = frozenset()
    similar_goods: bool = False

    @property
    def is_internal(self) -> bool:
        """Say whether the rows never leave the company, so that no consent is asked for."""
        return set(self.purposes) == INTERNAL

    @property
    def sends_messages(self) -> bool:
        """Say whether a delivered row is a message: sent once, and never taken back."""
        return self.capabilities.surfaces[self.surface].kind == "message"

    @property
    def capabilities(self) -> Capabilities:
        """Return what the sync's destination can do."""
        capabilities: Capabilities = DESTINATIONS[self.destination].capabilities
        if capabilities.is_keyed:
            return replace(capabilities, identities=((self.key,),))
        return capabilities

    @property
    def layout(self) -> Layout:
        """Return what the rows look like."""
        columns = tuple((field.name, field.data_type) for field in self.fields)
        return Layout(self.name, self.key, columns)


def load_specs(manifest: Mapping[str, Any]) -> tuple[SyncSpec, ...]:
    """Return the specs of all syncs in a dbt manifest, ordered by name.

    Raise InvalidSpecs with every problem of every sync.
    """
    specs: list[SyncSpec] = []
    problems: list[Problem] = []
    for exposure in manifest.get("exposures", {}).values():
        if "sync" not in _meta(exposure):
            continue
        model = _model(exposure, manifest)
        found = list(_problems(exposure, model, manifest))
        if found or model is None:
            problems += found
        else:
            specs.append(_spec(exposure, model, manifest))
    if problems:
        raise InvalidSpecs(problems)
    return tuple(sorted(specs, key=lambda spec: spec.name))


def _meta(exposure: Mapping[str, Any]) -> Mapping[str, Any]:
    configured = (exposure.get("config") or {}).get("meta") or {}
    return configured or exposure.get("meta") or {}


def _problems(
    exposure: Mapping[str, Any], model: Mapping[str, Any] | None, manifest: Mapping[str, Any]
) -> Iterator[Problem]:
    file, name, sync = exposure["original_file_path"], exposure["name"], _meta(exposure)["sync"]
    if not isinstance(sync, Mapping):
        yield Problem(file, name, "meta.sync is not a mapping", "Write it as key: value pairs.")
        return
    for cause, remedy in causes(sync, model, manifest):
        yield Problem(file, name, cause, remedy)


def _model(exposure: Mapping[str, Any], manifest: Mapping[str, Any]) -> Mapping[str, Any] | None:
    nodes = [
        manifest["nodes"][unique_id]
        for unique_id in exposure["depends_on"]["nodes"]
        if unique_id in manifest["nodes"]
    ]
    models = [node for node in nodes if node["resource_type"] == "model"]
    return models[0] if len(models) == 1 else None


def _spec(
    exposure: Mapping[str, Any], model: Mapping[str, Any], manifest: Mapping[str, Any]
) -> SyncSpec:
    sync = _meta(exposure)["sync"]
    columns = model["columns"]
    sent = sent_columns(sync, columns, DESTINATIONS[sync["destination"]].capabilities)
    return SyncSpec(
        name=exposure["name"],
        file=exposure["original_file_path"],
        model=model["name"],
        model_unique_id=model["unique_id"],
        relation=f"{model['schema']}.{model['alias']}",
        upstream=_ancestors(model, manifest),
        destination=sync["destination"],
        surface=sync["surface"],
        target=sync.get("target") or exposure["name"],
        key=sync["key"],
        mode=sync["mode"],
        purposes=listed(sync["purpose"]),
        channel=sync["channel"],
        fields=tuple(Field(name, columns[name]["data_type"]) for name in sent),
        has_contact_point=CONTACT_POINT in columns,
        owner_email=(exposure.get("owner") or {}).get("email") or "",
        max_removal_share=float(sync.get("max_removal_share", MAX_REMOVAL_SHARE)),
        max_size_change=float(sync.get("max_size_change", MAX_SIZE_CHANGE)),
        segments=frozenset(segments_read(model, manifest)),
        max_age=timedelta(hours=sync.get("max_age_hours", 48)),
        is_enabled=sync.get("enabled", True),
        is_exclusion=sync.get("exclusion", False),
        leaves_on=frozenset(listed(sync.get("leaves_on"))),
        similar_goods=sync.get("similar_goods", False),
    )


def _ancestors(model: Mapping[str, Any], manifest: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of every model the given one is built from, at any distance."""
    seen: dict[str, str] = {}
    waiting = list(model["depends_on"]["nodes"])
    while waiting:
        unique_id = waiting.pop()
        node = manifest["nodes"].get(unique_id)
        if node is None or unique_id in seen:
            continue
        seen[unique_id] = node["name"]
        waiting += node.get("depends_on", {}).get("nodes", [])
    return frozenset(seen.values())
