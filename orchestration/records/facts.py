"""Gather what is configured: who delivers what, what is worked out, who receives it, how long."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from activation.spec import SyncSpec, load_specs
from ml.models import PREDICTIONS
from orchestration.cards import describe
from orchestration.contracts import TableContract, read_contracts
from orchestration.project import DBT_PROJECT
from orchestration.retention.clocks import Clock, read_clocks

PROJECT = DBT_PROJECT / "dbt_project.yml"
CONTROLLER = ("name", "contact", "data_protection_officer")


@dataclass(frozen=True)
class Facts:
    """Everything that both documents are written from; nothing of any person.

    `controller` holds what the var of that name states; `descriptions` those of sources, source
    tables (shop/orders) and models (schema.table), `grounds` the reason beside each clock,
    `readers` the staging model that reads each prediction.
    """

    controller: Mapping[str, str]
    contracts: tuple[TableContract, ...]
    specs: tuple[SyncSpec, ...]
    predictions: Mapping[str, str]
    clocks: Mapping[str, Clock]
    grounds: Mapping[str, str]
    descriptions: Mapping[str, str] = field(default_factory=dict)
    readers: Mapping[str, str] = field(default_factory=dict)

    @property
    def personal(self) -> tuple[TableContract, ...]:
        """Return the source tables whose rows belong to people."""
        return tuple(one for one in self.contracts if one.ownerships)

    def uses_of(self, name: str) -> tuple[SyncSpec, ...]:
        """Return the syncs that are built from what a prediction says."""
        return tuple(spec for spec in self.specs if self.readers.get(name) in spec.upstream)


def gather_facts(manifest: Mapping[str, Any]) -> Facts:
    """Return the facts of this project; raises InvalidSpecs, InvalidContract or InvalidClocks."""
    text = PROJECT.read_text()
    stated = yaml.safe_load(text)["vars"].get("controller") or {}
    contracts = read_contracts(DBT_PROJECT)
    return Facts(
        {name: str(stated.get(name) or "").strip() for name in CONTROLLER},
        tuple(contracts[label] for label in sorted(contracts)),
        load_specs(manifest),
        {prediction.NAME: describe(prediction) for prediction in PREDICTIONS},
        read_clocks(contracts.values()),
        read_grounds(text),
        _descriptions(manifest),
        _readers(manifest),
    )


def read_grounds(text: str) -> dict[str, str]:
    """Return the comment above each clock of `retention_days`: its ground, and why so long."""
    grounds: dict[str, str] = {}
    said: list[str] = []
    is_inside = False
    for line in text.splitlines():
        if line.startswith("  retention_days:"):
            is_inside, said = True, []
        elif is_inside and line.startswith("    #"):
            said.append(line.strip(" #"))
        elif is_inside and (clock := re.match(r"    (\w+):", line)):
            grounds[clock[1]], said = " ".join(said), []
        elif is_inside and line.strip():
            break
    return grounds


def _descriptions(manifest: Mapping[str, Any]) -> dict[str, str]:
    told = {}
    for source in manifest["sources"].values():
        told[source["source_name"]] = _plain(source["source_description"])
        told[f"{source['source_name']}/{source['name']}"] = _plain(source["description"])
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            told[f"{node['schema']}.{node['alias']}"] = _plain(node["description"])
    return told


def _readers(manifest: Mapping[str, Any]) -> dict[str, str]:
    tables = {one: source["name"] for one, source in manifest["sources"].items()}
    return {
        tables[parent]: node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        for parent in node["depends_on"]["nodes"]
        if parent.startswith("source.") and parent in tables and ".ml." in parent
    }


def _plain(text: str) -> str:
    return " ".join(text.split())


def listed(names: Iterable[str]) -> str:
    """Return names as one phrase; a dash where there are none."""
    return ", ".join(names) or "–"
