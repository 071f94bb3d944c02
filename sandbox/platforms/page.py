"""One plain page that shows which audience holds whom, and what was asked last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from itertools import groupby

from sandbox.platforms.vendor import Json

Audience = tuple[Json, Sequence[Json]]
"""An audience and the first of its members."""

SHOWN_RUNS = 30
_HASH = re.compile(r"\b([0-9a-f]{6})[0-9a-f]{54}([0-9a-f]{4})\b")

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2129; --soft: #68707d; --line: #e3e6eb; --paper: #fff;
  --back: #f6f7f9; --accent: #2457c5; --good: #1a7f4b; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ee; --soft: #98a1b0; --line: #2e333d;
  --paper: #1b1e25; --back: #131519; --accent: #8fb0ff; --good: #5cc48d; --bad: #ff8a7a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.5rem 4rem; background: var(--back);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
h1 { font-size: 1.5rem; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1rem; margin: 0; }
p { margin: .25rem 0 0; color: var(--soft); }
a { color: var(--accent); text-decoration: none; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .6rem;
  margin-top: 1.25rem; padding: 1rem 1.25rem; }
section > header { display: flex; justify-content: space-between; align-items: baseline;
  gap: 1rem; margin-bottom: .35rem; }
.soft { color: var(--soft); font-size: .85rem; }
details { border-top: 1px solid var(--line); }
summary { display: grid; grid-template-columns: 1rem 1fr auto; gap: .5rem; padding: .5rem 0;
  cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary::before { content: "\\203A"; color: var(--soft); }
details[open] > summary::before { transform: rotate(90deg); }
.count { font-variant-numeric: tabular-nums; font-weight: 600; }
.scroll { overflow-x: auto; padding-bottom: .75rem; }
table { border-collapse: collapse; width: 100%; font-size: .82rem; }
th { text-align: left; color: var(--soft); font-weight: 500; white-space: nowrap; }
th, td { padding: .25rem 1rem .25rem 0; vertical-align: top; border-top: 1px solid var(--line); }
tr:first-child th { border-top: 0; }
td { font-family: ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace;
  font-size: .78rem; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); }
"""


def render_page(
    shown: Sequence[tuple[str, str, Sequence[Audience]]], requests: Sequence[Json], summary: Json
) -> str:
    """Return the page as HTML; `shown` holds (name, title, audiences) of every vendor."""
    audiences = sum(len(listed) for _, _, listed in shown)
    holds = sum(audience["count_members"] for _, _, listed in shown for audience, _ in listed)
    vendors = "".join(_vendor(name, title, listed) for name, title, listed in shown)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Platforms</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style></head><body><h1>Receiving platforms</h1>"
        f"<p>{audiences} audiences hold {holds:,} members. {summary['requests']:,} requests so"
        f" far; {summary['changed_state']:,} of them changed something.</p>"
        f"{vendors}{_requests(requests)}</body></html>"
    )


def _vendor(name: str, title: str, listed: Sequence[Audience]) -> str:
    members = sum(audience["count_members"] for audience, _ in listed)
    holds = "".join(_audience(name, audience, some) for audience, some in listed)
    return (
        f"<section><header><h2>{escape(title)}</h2><span class=soft>{members:,} members ·"
        f' <a href="/_state/{name}/audiences">JSON</a></span></header>'
        f"{holds or '<p>No audience yet.</p>'}</section>"
    )


def _audience(vendor: str, audience: Json, some: Sequence[Json]) -> str:
    count, name = audience["count_members"], escape(str(audience["name"]))
    number = "" if audience["id"] == audience["name"] else escape(str(audience["id"]))
    link = f"/_state/{vendor}/audiences/{escape(str(audience['id']))}/members"
    more = f"The first {len(some)} of {count:,}. " if count > len(some) else ""
    return (
        f"<details><summary><span>{name} <span class=soft>{number}</span></span><span class=count>"
        f"{count:,}</span></summary><div class=scroll>{_members(some)}"
        f'<p class=soft>{more}<a href="{link}">All members as JSON</a></p></div></details>'
    )


def _members(some: Sequence[Json]) -> str:
    columns = list(dict.fromkeys(column for member in some for column in member))
    if not columns:
        return "<p>Nobody.</p>"
    head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_cell(member.get(column))}</td>" for column in columns) + "</tr>"
        for member in some
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _cell(value: object) -> str:
    """Return a value as short HTML; hashes keep their two ends."""
    if value is None:
        return '<span class="soft">–</span>'
    if isinstance(value, dict):
        parts = [f"{name}: {_cell(part)}" for name, part in value.items() if part is not None]
        return "<br>".join(parts)
    if isinstance(value, list):
        return "<br>".join(_cell(part) for part in value)
    return _HASH.sub(r"\1…\2", escape(str(value)))


def _requests(requests: Sequence[Json]) -> str:
    head = (
        "<tr><th>time</th><th>platform</th><th>request</th><th class=number>times</th>"
        "<th class=number>status</th><th class=number>rows</th><th class=number>ms</th>"
        "<th>changed state</th></tr>"
    )
    runs = [list(run) for _, run in groupby(requests, _sameness)]
    rows = "".join(_run(run) for run in runs[:SHOWN_RUNS])
    table = f"<table>{head}{rows}</table>" if requests else "<p>No request yet.</p>"
    return (
        "<section><header><h2>Last requests</h2><span class=soft>"
        '<a href="/_requests">JSON</a> · <a href="/_requests/summary">summary</a></span></header>'
        f"<div class=scroll>{table}</div></section>"
    )


def _sameness(request: Json) -> tuple[object, ...]:
    return tuple(
        request[name] for name in ("vendor", "method", "path", "status", "fault", "changed_state")
    )


def _run(run: Sequence[Json]) -> str:
    """Return one line for like requests in a row: when the last came, and their sums."""
    last = run[0]
    mood = "bad" if last["status"] >= 400 else "good"
    fault = f" <span class=bad>{escape(last['fault'])}</span>" if last["fault"] else ""
    milliseconds = sum(request["milliseconds"] for request in run)
    return (
        f"<tr><td>{last['occurred_at'][11:19]}</td><td>{last['vendor']}</td>"
        f"<td>{last['method']} {escape(last['path'])}{fault}</td>"
        f"<td class=number>{len(run) if len(run) > 1 else ''}</td>"
        f"<td class='number {mood}'>{last['status']}</td>"
        f"<td class=number>{sum(request['rows'] for request in run):,}</td>"
        f"<td class=number>{milliseconds:,.1f}</td>"
        f"<td>{'yes' if last['changed_state'] else ''}</td></tr>"
    )
