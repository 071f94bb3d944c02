"""The digest that dbt stores with a row is that of the text which activation sends of it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest

from activation.rows import payload
from activation.spec import Field
from activation.statements import md5_hex
from tests.activation.world import KLAVIYO

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros"
TYPES = (
    "varchar", "double", "real", "boolean", "integer", "bigint", "decimal(18,2)", "date",
    "timestamp", "timestamp with time zone", "timestamp without time zone", "timestamptz",
)  # fmt: skip


def rendered(columns, sent_key=None):
    """Return the expression that dbt writes into a model with these columns."""
    names = ("canonical_value", "json_md5", "row_digest")
    source = "".join((MACROS / f"{name}.sql").read_text() for name in names)
    macros = {}
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701
    environment.globals |= {
        "adapter": SimpleNamespace(dispatch=lambda name: macros[f"default__{name}"]),
        "dbt": SimpleNamespace(type_string=lambda: "varchar"),
        "model": SimpleNamespace(columns={column.name: column for column in columns}),
        "return": lambda value: value,
    }
    module = environment.from_string(source).make_module()
    macros |= {name: getattr(module, name) for name in dir(module) if "__" in name[1:-2]}
    return squeezed(module.row_digest(sent_key))


def squeezed(expression):
    """Return an expression without its spaces, which no two writers set alike."""
    return "".join(str(expression).split())


@pytest.mark.parametrize("sent_key", [None, "customer_id"])
def test_both_write_the_same_expression_for_every_type(sent_key):
    """Whatever the columns' order; control columns are in it only where they are sent."""
    control = [Field(name, "varchar") for name in ("customer_id", "contact_point_id", "row_digest")]
    fields = [Field(f"Column_{number}", kind) for number, kind in enumerate(TYPES)][::-1]
    sent = [*fields, *(field for field in control if field.name == sent_key)]

    expected = md5_hex(payload(replace(KLAVIYO, fields=tuple(sent))))

    assert rendered([*control, *fields], sent_key) == squeezed(expected)
