"""Stand-ins for dbt's functions and our macros, so that sqlfluff can lint models without dbt.

Every macro becomes a function call of the same name: the linter judges the model as it is
written, not what its macros expand to.
"""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

_MACROS = Path(__file__).parents[1] / "macros"
# Macros that stand where a step, or the query of a step, stands.
_STEPS = {"newest_versions", "dialled_phones"}
_READERS = {"kept_customer_ids": "history cross join components cross join records"}
# Macros that ask the project: one model stands for all.
_NODES = {"segment_nodes"}
_NODE = SimpleNamespace(
    name="segment_one",
    description="One",
    config=SimpleNamespace(meta={}),
    checksum=SimpleNamespace(checksum="0"),
)
_QUERIES = {"customer_features", "generate_series"}


def _call(name: str) -> Callable[..., object]:
    def call(*arguments: object, **named: object) -> object:
        if name in _NODES:
            return [_NODE]
        if name in _READERS:
            return f"{name} as (select 1 as one from {_READERS[name]})"
        if name in _STEPS:
            return f"{name} as (select 1 as one)"
        if name in _QUERIES:
            return f"select 1 as {name}"
        shown = (part for part in (*arguments, *named.values()) if isinstance(part, str | int))
        return f"{name}({', '.join(map(str, shown))})"

    return call


class _Namespace:
    """Answer any attribute with a call of that name."""

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name == "except":
            return lambda: "except"
        if name.startswith("type_"):
            return lambda *_: "varchar"
        return _call(name)


dbt = _Namespace()
adapter = _Namespace()
for _path in sorted(_MACROS.glob("*.sql")):
    for _name in re.findall(r"{%-?\s*macro\s+(\w+)", _path.read_text()):
        globals()[_name] = _call(_name)
