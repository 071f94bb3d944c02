"""Write the report: one page with charts that needs nothing but a browser."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

import pandas as pd

from orchestration.charts import to_svg
from orchestration.report_questions import SECTIONS
from orchestration.report_sections import Section, words
from orchestration.warehouse import Connection

STYLE = """
:root { color-scheme: light; }
body { font: 17px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .4rem; }
section { border-top: 1px solid #ccc; padding: 1.6rem 0 .6rem; break-inside: avoid; }
.says { font-weight: 600; margin: .2rem 0 .8rem; }
.reading, header p, footer { color: #555; font-size: .95rem; }
.missing { background: #f2f2f2; padding: .7rem 1rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font-family: system-ui, sans-serif !important; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { text-align: left; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid #e6e6e6; }
details > div { overflow-x: auto; }
summary { cursor: pointer; color: #555; font-size: .95rem; }
"""


@dataclass(frozen=True)
class Part:
    """A section as it came out: a chart with its sentence, or why there is none."""

    section: Section
    sentence: str
    svg: str | None = None
    numbers: pd.DataFrame | None = None

    @property
    def markdown(self) -> str:
        """Return sentence and chart for places that show Markdown."""
        if self.svg is None:
            return self.sentence
        image = base64.b64encode(self.svg.encode()).decode()
        return f"{self.sentence}\n\n![{self.section.title}](data:image/svg+xml;base64,{image})"


def write_report(connection: Connection, path: Path) -> list[Part]:
    """Write the page in one step, so that a reader never sees half of it; return its parts."""
    parts = list(read_parts(connection))
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(page(parts, read_clock(connection)), encoding="utf-8")
    draft.replace(path)
    return parts


def read_clock(connection: Connection) -> datetime | None:
    """Return the moment the warehouse looks at the world from; None before its first run."""
    if not connection.table_exists("raw", "clock"):
        return None
    found: datetime | None = connection.execute("select max(as_of) from raw.clock")[0][0]
    return found


def read_parts(connection: Connection) -> Iterator[Part]:
    """Ask and draw section by section."""
    for section in SECTIONS:
        lacking = missing(connection, section)
        yield Part(section, lacking) if lacking else drawn(connection, section)


def missing(connection: Connection, section: Section) -> str:
    """Say what a section lacks in this warehouse; nothing when it can be asked."""
    schema, table = section.relation.split(".")
    found = connection.execute(
        "select column_name from information_schema.columns "
        "where table_schema = ? and table_name = ?",
        (schema, table),
    )
    if not found:
        return f"Not built yet: this part needs the mart {section.relation}."
    absent = section.columns - {str(name) for (name,) in found}
    if absent:
        return f"Not built yet: {section.relation} has no column {', '.join(sorted(absent))}."
    return ""


def drawn(connection: Connection, section: Section) -> Part:
    """Ask one section's question and draw the answer."""
    frame = connection.frame(section.query)
    if frame.empty:
        return Part(section, f"Nothing to show yet: {section.relation} has no rows for this part.")
    chart = section.draw(frame)
    svg = to_svg(chart.figure, section.name, section.title, chart.sentence)
    return Part(section, chart.sentence, svg, chart.numbers)


def page(parts: list[Part], as_of: datetime | None) -> str:
    """Return the whole page."""
    known = f"As of {as_of:%d %B %Y, %H:%M} UTC." if as_of else "Nothing was loaded yet."
    sections = "\n".join(section_html(part) for part in parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Customers who come back</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>Customers who come back</h1>
<p>{known} Each part says in one sentence what it shows, then how to read it.</p>
</header>
<main>
{sections}
</main>
<footer>Written by <code>regulars report</code>. Columns are explained in the dbt documentation
(<code>make docs</code>).</footer>
</body>
</html>
"""


def section_html(part: Part) -> str:
    """Return one section: what it says, the chart, how to read it, the numbers."""
    section = part.section
    head = f'<section id="{section.name}">\n<h2>{escape(section.title)}</h2>'
    if part.svg is None or part.numbers is None:
        return f'{head}\n<p class="missing">{escape(part.sentence)}</p>\n</section>'
    return (
        f'{head}\n<p class="says">{escape(part.sentence)}</p>\n{part.svg}\n'
        f'<p class="reading">{escape(section.reading)}</p>\n'
        f"<details><summary>Numbers</summary><div>{table_html(part.numbers)}</div></details>\n"
        "</section>"
    )


def table_html(frame: pd.DataFrame) -> str:
    """Return a frame as a table of plain words and numbers."""
    head = "".join(f'<th scope="col">{escape(words(name))}</th>' for name in frame.columns)
    lines = (
        "<tr>" + "".join(f"<td>{escape(shown(value))}</td>" for value in row) + "</tr>"
        for row in frame.itertuples(index=False)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def shown(value: object) -> str:
    """Return a value as a table shows it."""
    if value is None or value != value or value is pd.NaT:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
