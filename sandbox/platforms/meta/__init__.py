"""Meta's Marketing API v26.0 for custom audiences: its routes and audiences."""

from __future__ import annotations

from functools import partial

from sandbox.platforms import members as book
from sandbox.platforms.meta import audiences as audience_calls
from sandbox.platforms.meta import users
from sandbox.platforms.meta.graph import graph_problem, throttled
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Endpoint, Json, Vendor


def audiences(store: Store) -> list[Json]:
    """Return every custom audience and how many users it holds."""
    return [
        {"id": str(audience_id), "name": name, "account_id": account,
         "count_members": book.count_members(store, audience_id)}
        for audience_id, name, account in store.rows(
            "select audience_id, name, account_id from meta_audiences order by name"
        )
    ]  # fmt: skip


def members(store: Store, audience_id: str, limit: int) -> list[Json]:
    """Return the users of an audience: each row by its schema keys, without empty cells."""
    return [
        dict(cell.split(":", 1) for cell in cells)
        for cells, _, _ in book.list_members(store, int(audience_id), limit)
    ]


def _admit_later(call: Call) -> None:
    """Do nothing: credentials may stand among the parameters, which every call reads once."""


def _problem(status: int, message: str) -> Answer:
    return graph_problem(400, 2500, f"Unknown path components: {message}")


_ACCOUNT = "/v26.0/act_{account_id:int}/customaudiences"
_AUDIENCE = "/v26.0/{audience_id:int}"

META = Vendor(
    name="meta",
    title="Meta Custom Audiences",
    tables=audience_calls.TABLES + users.TABLES,
    endpoints=(
        Endpoint("POST", _ACCOUNT, audience_calls.create_audience),
        Endpoint("GET", _ACCOUNT, audience_calls.list_audiences),
        Endpoint("GET", _AUDIENCE, audience_calls.get_audience),
        Endpoint("POST", _AUDIENCE + "/users", partial(users.change_users, operation="add")),
        Endpoint("DELETE", _AUDIENCE + "/users", partial(users.change_users, operation="remove")),
        Endpoint(
            "POST", _AUDIENCE + "/usersreplace", partial(users.change_users, operation="replace")
        ),
        Endpoint("GET", _AUDIENCE + "/sessions", users.get_session),
    ),
    admit=_admit_later,
    problem=_problem,
    throttled=throttled,
    audiences=audiences,
    members=members,
)
