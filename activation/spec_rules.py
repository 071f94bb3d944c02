"""Say what is wrong with one sync's settings, its model and its columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from activation.audience_names import revealing_word
from activation.destinations import DESTINATIONS
from activation.destinations.capabilities import Capabilities
from activation.disclosure import disclosure_causes

MODES = ("mirror", "upsert")
PURPOSES = frozenset(
    {
        "marketing",
        "service",
        "personalisation",
        "analytics",
        "profiling",
        "ads_user_data",
        "ads_personalisation",
        "internal_reporting",
    }
)
CHANNELS = frozenset({"email", "phone", "push", "post", "web", "ads", "file", "table"})
LEFT_AUDIENCE = "left_audience"
INTERNAL = frozenset({"internal_reporting"})
CUSTOMER = "customer_id"
CONTACT_POINT = "contact_point_id"
ROW_DIGEST = "row_digest"
SEGMENT_FOLDER = ["marts", "segments"]
MAX_REMOVAL_SHARE = 0.1
MAX_SIZE_CHANGE = 0.3
PROPOSALS = "source.regulars.ml.segments"
MEMBERS_OF = "macro.regulars.members_of"

_REQUIRED = ("destination", "surface", "key", "mode", "purpose", "channel")
_SWITCHES = ("enabled", "exclusion", "similar_goods")
_OPTIONAL = (
    "target", "max_removal_share", "max_size_change", "max_age_hours", "leaves_on", *_SWITCHES,
)  # fmt: skip
_KEY_TESTS = ("unique", "not_null")
_CONTROL = frozenset({CUSTOMER, CONTACT_POINT, ROW_DIGEST})

Cause = tuple[str, str]


def causes(
    sync: Mapping[str, Any], model: Mapping[str, Any] | None, manifest: Mapping[str, Any]
) -> Iterator[Cause]:
    """Yield (cause, remedy) for everything wrong with a sync; no `model`: there is not just one."""
    yield from _sync_causes(sync)
    yield from _destination_causes(sync)
    if model is None:
        yield (
            "the exposure does not depend on exactly one model",
            "Set depends_on to one ref('sync_...').",
        )
        return
    yield from _model_causes(sync, model, manifest)
    yield from _leaving_causes(sync, manifest)
    yield from _field_causes(sync, model.get("columns") or {})


def _sync_causes(sync: Mapping[str, Any]) -> Iterator[Cause]:
    for key in _REQUIRED:
        if not sync.get(key):
            yield f"{key} is missing", f"Add {key} under config.meta.sync."
    for key in sync.keys() - {*_REQUIRED, *_OPTIONAL}:
        yield f"{key} is not a sync setting", f"Use one of {', '.join(_REQUIRED + _OPTIONAL)}."
    if sync.get("mode") and sync["mode"] not in MODES:
        yield f"mode {sync['mode']} is unknown", f"Use one of {', '.join(MODES)}."
    for purpose in set(listed(sync.get("purpose"))) - PURPOSES:
        yield f"purpose {purpose} is unknown", f"Use one of {', '.join(sorted(PURPOSES))}."
    if sync.get("channel") and sync["channel"] not in CHANNELS:
        yield f"channel {sync['channel']} is unknown", f"Use one of {', '.join(sorted(CHANNELS))}."
    if word := revealing_word(str(sync.get("target") or "")):
        yield (
            f"the target's name reveals what it must not: {word}",
            "Name the audience by what it is offered, not by health, money or beliefs.",
        )
    for switch in _SWITCHES:
        if not isinstance(sync.get(switch, True), bool):
            yield f"{switch} is neither true nor false", f"Write {switch}: true, or false."
    yield from _number_causes(sync)


def _number_causes(sync: Mapping[str, Any]) -> Iterator[Cause]:
    share = sync.get("max_removal_share", MAX_REMOVAL_SHARE)
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        yield "max_removal_share is not a share", "Give a number from 0 to 1."
    change = sync.get("max_size_change", MAX_SIZE_CHANGE)
    if not isinstance(change, int | float) or change <= 0:
        yield "max_size_change is not a share", "Give a number above 0; 0.3 allows 30 %."
    hours = sync.get("max_age_hours", 48)
    if not isinstance(hours, int | float) or hours <= 0:
        yield "max_age_hours is not a number of hours", "Give a number above 0."


def _destination_causes(sync: Mapping[str, Any]) -> Iterator[Cause]:
    if not sync.get("destination"):
        return
    destination = DESTINATIONS.get(sync["destination"])
    if destination is None:
        known = ", ".join(sorted(DESTINATIONS))
        yield f"destination {sync['destination']} is unknown", f"Use one of {known}."
        return
    capabilities = destination.capabilities
    if sync.get("surface") and sync["surface"] not in capabilities.surfaces:
        known = ", ".join(sorted(capabilities.surfaces))
        yield f"{capabilities.name} has no surface {sync['surface']}", f"Use one of {known}."
    if capabilities.needs_target and not sync.get("target"):
        yield "target is missing", "Add the name of the list or audience as target."
    lacking = sorted(capabilities.needs_purposes - set(listed(sync.get("purpose"))))
    if lacking:
        yield (
            f"{capabilities.name} needs purpose {', '.join(lacking)}",
            "List every purpose the platform uses the data for.",
        )


def _model_causes(
    sync: Mapping[str, Any], model: Mapping[str, Any], manifest: Mapping[str, Any]
) -> Iterator[Cause]:
    columns = model.get("columns") or {}
    if not (model.get("config", {}).get("contract") or {}).get("enforced"):
        yield f"model {model['name']} has no enforced contract", "Set contract: {enforced: true}."
    for needed in _needed_columns(sync):
        if needed not in columns:
            yield f"model {model['name']} has no column {needed}", "Add it to the model."
    for column in columns.values():
        if not column.get("data_type"):
            yield f"column {column['name']} has no data_type", "Add its type to the contract."
    members_read = MEMBERS_OF in model.get("depends_on", {}).get("macros", ())
    if not members_read and list(segments_read(model, manifest)):
        yield (
            f"model {model['name']} reads a segment with those who have left it",
            "Write {{ members_of('segment_...') }} instead of the ref.",
        )
    if PROPOSALS in _sources_of(model, manifest):
        yield (
            f"model {model['name']} reads groups that nobody approved",
            "Approve one, and read its segment: regulars segments --approve GROUP.",
        )
    tested = _tests_of_key(sync.get("key"), model, manifest)
    for test in _KEY_TESTS:
        if sync.get("key") and test not in tested:
            yield f"key {sync['key']} has no {test} test", f"Add {test} to its data_tests."


def _needed_columns(sync: Mapping[str, Any]) -> tuple[str, ...]:
    internal = set(listed(sync.get("purpose"))) == INTERNAL
    control = (CUSTOMER,) if internal else (CUSTOMER, CONTACT_POINT)
    return (*control, sync["key"]) if sync.get("key") else control


def _leaving_causes(sync: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[Cause]:
    ending = sorted(
        f"{source['source_name']}/{source['name']}"
        for source in manifest.get("sources", {}).values()
        if any(
            news.get("means") == LEFT_AUDIENCE
            for news in ((source.get("config") or {}).get("meta") or {}).get("news", ())
        )
    )
    for label in set(listed(sync.get("leaves_on"))) - {*ending}:
        yield (
            f"leaves_on names {label}, whose rows end nothing",
            f"Use one of {', '.join(ending)}, or state it in that table's config.meta.news.",
        )


def _field_causes(sync: Mapping[str, Any], columns: Mapping[str, Any]) -> Iterator[Cause]:
    destination = DESTINATIONS.get(sync.get("destination", ""))
    if destination is None:
        return
    capabilities = destination.capabilities
    sent = sent_columns(sync, columns, capabilities)
    for name in sent:
        if not capabilities.knows_field(name):
            known = ", ".join(sorted(capabilities.fields))
            rename = "Rename it: the destination has a column of that name for itself."
            remedy = rename if name in capabilities.reserved else f"It knows: {known}."
            yield f"{capabilities.name} does not know column {name}", remedy
    yield from _surface_causes(sync, capabilities, sent)
    if set(listed(sync.get("purpose"))) != INTERNAL:
        content = tuple(name for name in sent if name != sync.get("key"))
        yield from disclosure_causes(str(sync.get("channel")), content, columns, capabilities)
    identities = {name for identity in capabilities.identities for name in identity}
    for name in sorted(capabilities.needs_fields - set(sent)):
        yield f"{capabilities.name} needs column {name}", "Add it to the model."
    if identities and not identities & set(sent):
        named = ", ".join(sorted(identities))
        yield "no column identifies a person at the platform", f"Add one of {named}."


def _surface_causes(
    sync: Mapping[str, Any], capabilities: Capabilities, sent: Sequence[str]
) -> Iterator[Cause]:
    surface = capabilities.surfaces.get(str(sync.get("surface")))
    if surface is None:
        return
    if surface.channel and sync.get("channel") != surface.channel:
        yield (
            f"surface {sync['surface']} is for another channel",
            f"Set channel: {surface.channel}.",
        )
    for name in sorted(set(sent) - surface.fields) if surface.fields else ():
        known = ", ".join(sorted(surface.fields))
        yield f"surface {sync['surface']} has no place for column {name}", f"It knows: {known}."
    for name in sorted(surface.needs_fields - set(sent)):
        yield f"surface {sync['surface']} needs column {name}", "Add it to the model."


def _tests_of_key(
    key: str | None, model: Mapping[str, Any], manifest: Mapping[str, Any]
) -> set[str]:
    return {
        node["test_metadata"]["name"]
        for node in manifest["nodes"].values()
        if node.get("resource_type") == "test"
        and node.get("test_metadata")
        and node.get("attached_node") == model["unique_id"]
        and node.get("column_name") == key
    }


def _sources_of(model: Mapping[str, Any], manifest: Mapping[str, Any]) -> set[str]:
    """Return the sources that a model reads, itself or through others."""
    found: set[str] = set()
    waiting = list(model["depends_on"]["nodes"])
    while waiting:
        unique_id = waiting.pop()
        if unique_id not in found:
            found.add(unique_id)
            node = manifest["nodes"].get(unique_id, {})
            waiting += node.get("depends_on", {}).get("nodes", ())
    return {unique_id for unique_id in found if unique_id.startswith("source.")}


def segments_read(model: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the segments that a model reads itself."""
    for unique_id in model["depends_on"]["nodes"]:
        node = manifest["nodes"].get(unique_id, {})
        if node.get("fqn", [])[1:-1] == SEGMENT_FOLDER:
            yield str(node["name"]).removeprefix("segment_")


def listed(purpose: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the purposes of a sync, written as one word or as a list."""
    if not purpose:
        return ()
    return (purpose,) if isinstance(purpose, str) else tuple(purpose)


def sent_columns(
    sync: Mapping[str, Any], columns: Mapping[str, Any], capabilities: Capabilities
) -> tuple[str, ...]:
    """Return the columns that are sent; control columns and a key of our own stay here."""
    key = sync.get("key")
    if capabilities.takes_any_field:
        return tuple(name for name in columns if name == key or name not in _CONTROL)
    known_key = isinstance(key, str) and capabilities.knows_field(key)
    kept = _CONTROL if known_key else _CONTROL | {str(key)}
    return tuple(name for name in columns if name not in kept)
