"""Refuse to send what a channel must not show: each column's content has a level of disclosure.

0 tells nothing of a person, 1 the context (season, place), 2 an interest in a category, 3 name and
own orders, 4 what we think of them (scores, stages, predictions), which is never content.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from activation.audience_names import revealing_word
from activation.destinations.capabilities import Capabilities

CONTEXT, OWN, INTERNAL = 1, 3, 4
LEVELS = range(INTERNAL + 1)
# What somebody who allows the channel may be shown there. An advertisement and a locked screen are
# seen by others, and a website does not know who sits before it; nobody but us reads our own files
# and tables.
MOST = {
    "email": 3, "post": 3, "ads": 2, "push": 2, "phone": 2, "web": 2, "file": 4, "table": 4,
}  # fmt: skip
# Words in names of columns that tell what we think of somebody, unless the column says otherwise.
OPINIONS = frozenset(
    {
        "churn", "clv", "expected", "lifetime", "odds", "phase", "predicted", "probability",
        "propensity", "risk", "score", "segment", "stage", "substage", "tier", "uplift",
    }
)  # fmt: skip

Cause = tuple[str, str]


def disclosure_causes(
    channel: str,
    sent: Sequence[str],
    columns: Mapping[str, Any],
    capabilities: Capabilities,
) -> Iterator[Cause]:
    """Yield (cause, remedy) for each column that tells more than the channel may show.

    A platform's own fields address and match people; what it can show of a person are the fields
    that a shop adds.
    """
    most = MOST.get(channel, INTERNAL)
    for name in sent:
        if name in capabilities.fields:
            continue
        meta = _meta(columns.get(name) or {})
        level = meta.get("disclosure", level_of(name))
        if level not in LEVELS or isinstance(level, bool):
            yield (
                f"disclosure of column {name} is not a level",
                "Give a number from 0 (nothing) to 4 (what we think of somebody).",
            )
        elif level > most:
            yield (
                f"column {name} tells more than {channel} may show: level {level}, {most} at most",
                "Leave it out of the model, or say under the column's config.meta what it tells:"
                " disclosure: 2 for an interest, 1 for a context, 0 for nothing of a person.",
            )
        elif level > CONTEXT and meta.get("sensitive", revealing_word(name) is not None):
            yield (
                f"column {name} is sensitive and tells of a person: level {level}, 1 at most",
                "Leave it out of the model: health, money trouble and beliefs are no content."
                " If its name misleads, say sensitive: false under its config.meta.",
            )


def level_of(name: str) -> int:
    """Return the level of a column that does not say it: of one's own, or what we think."""
    return INTERNAL if OPINIONS & set(name.lower().split("_")) else OWN


def _meta(column: Mapping[str, Any]) -> Mapping[str, Any]:
    configured = (column.get("config") or {}).get("meta") or {}
    return configured or column.get("meta") or {}
