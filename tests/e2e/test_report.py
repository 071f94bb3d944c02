"""The report that the daily run leaves behind."""

import sqlite3
from contextlib import closing

CHARTS = ("second_purchases", "first_purchases", "graduation", "retention", "stages")
OBSERVED = """
select count(distinct asset_key) from event_logs
where dagster_event_type = 'ASSET_OBSERVATION' and asset_key like '%insight%'
"""


def test_the_daily_run_leaves_a_page_with_charts(demo):
    """The simulated shop fills the page, and the marts show their charts in Dagster."""
    page = (demo.home / "report.html").read_text()

    for name in CHARTS:
        assert f'aria-labelledby="{name}-title' in page, name
    logs = list((demo.home / "dagster").rglob("*.db"))
    counts = []
    for path in logs:
        with closing(sqlite3.connect(path)) as database:
            tables = {name for (name,) in database.execute("select name from sqlite_master")}
            counts += database.execute(OBSERVED).fetchone() if "event_logs" in tables else ()
    assert max(counts) >= len(CHARTS)


def test_the_command_writes_the_same_page(demo, tmp_path):
    """`regulars report` needs no run: it asks the warehouse as it is."""
    state = demo.copy(tmp_path / "home")
    written = state.home / "report.html"
    before = written.read_text()
    written.unlink()

    said = state.run("report").stdout

    assert written.read_text() == before
    assert "buy again within a year" in said
    assert str(written) in said.replace("\n", "")
