"""dbt inside this process: it says what it did, stops when told to, and leaves no trace."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import duckdb
import pytest

from orchestration import dbt_runner, project
from orchestration.settings import Settings
from orchestration.warehouse import is_disk_full

PROFILE = """
small:
  target: duckdb
  outputs:
    duckdb:
      type: duckdb
      path: {home}/warehouse.duckdb
      threads: 2
      keep_open: "{{{{ env_var('REGULARS_DBT_KEEP_OPEN', 'False') | as_bool }}}}"
"""
PROJECT = """
name: small
profile: small
version: '1.0'
models: {+materialized: table}
"""
MODELS = {
    "good": "select 1 as customer_id",
    "bad": "select cast(mail as integer) as n from (select 'x''y@example.org' as mail) as rows",
    "endless": "select count(*) as pairs from range(10000000) as a, range(10000000) as b",
}
TESTS = """
version: 2
models:
  - name: good
    columns:
      - name: customer_id
        data_tests: [unique]
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return a folder with a dbt project of three models."""
    home = tmp_path_factory.mktemp("small")
    (home / "models").mkdir()
    for name, sql in MODELS.items():
        (home / f"models/{name}.sql").write_text(sql)
    (home / "models/tests.yml").write_text(TESTS)
    (home / "dbt_project.yml").write_text(PROJECT)
    (home / "profiles.yml").write_text(PROFILE.format(home=home))
    return home


@pytest.fixture
def build(small, monkeypatch):
    """Return a function that builds models of the small project."""
    state = Settings(small)
    monkeypatch.setattr(project, "DBT_PROJECT", small)
    monkeypatch.setattr(project, "settings", state)
    monkeypatch.setattr(project, "MANIFEST", state.dbt_target / "manifest.json")
    monkeypatch.setattr(project, "PARSED", state.dbt_target / "partial_parse.msgpack")

    def run(*names, on_node=lambda done: None):
        return dbt_runner.build(names, small / "dbt.log", on_node)

    return run


def test_finished_nodes_are_told_one_by_one_and_as_results(build, small, capsys):
    """A model and its test count as two; what dbt says is in the log and not on the terminal, and
    the file is free afterwards, for a reader, too."""
    heard = []

    outcome = build("good", on_node=heard.append)

    assert heard == [1, 2]
    assert capsys.readouterr().out == ""
    assert "OK created sql table model main.good" in (small / "dbt.log").read_text()
    assert sorted(status for status, _, _ in outcome.results) == ["pass", "success"]
    assert {event["info"]["name"] for event in outcome.events} == dbt_runner.RESULTS & {
        "LogModelResult",
        "LogTestResult",
    }
    with duckdb.connect(str(small / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("select * from good").fetchall() == [(1,)]


def test_a_failed_model_is_a_result_with_its_reason(build, small):
    """The others are built all the same; neither reason nor log repeats a value of a record."""
    outcome = build("good", "bad")

    found = {unique_id: (status, said) for status, unique_id, said in outcome.results}
    assert found["model.small.good"][0] == "success"
    assert found["model.small.bad"][0] == "error"
    assert "Could not convert string" in found["model.small.bad"][1]
    assert "example.org" not in found["model.small.bad"][1]
    assert "Could not convert string" in (small / "dbt.log").read_text()
    assert "example.org" not in (small / "dbt.log").read_text()


def test_a_full_disk_is_still_known_by_its_message():
    """The setting that DuckDB quotes is no value of a record."""
    said = "Out of Memory Error: limit was set by the 'max_temp_directory_size' setting"

    assert is_disk_full(dbt_runner.without_values(said))


def test_a_change_during_the_reading_is_read_next_time(build, small, monkeypatch):
    """dbt may have looked at the file before it changed."""
    build("good")
    changed = small / "models/good.sql"

    def read_and_change(*arguments, **options):
        time.sleep(0.1)  # the clock of files is coarser than ours
        changed.touch()
        return subprocess.CompletedProcess(arguments, 0)

    monkeypatch.setattr(project.subprocess, "run", read_and_change)
    project._parse()

    assert not project._is_parsed()


def test_a_change_is_read_before_anything_is_built(build, small):
    """What cannot be read stops the run with dbt's own sentence."""
    broken = small / "models/broken.sql"
    broken.write_text("select * from {{ ref('nowhere') }}")
    try:
        with pytest.raises(project.DbtParseError, match="nowhere"):
            build("good")
    finally:
        broken.unlink()


def test_what_another_dbt_has_read_counts_for_nothing(build):
    """Its notes may mean something else to this one."""
    build("good")
    manifest = project.MANIFEST.read_text()

    assert project._is_parsed()
    project.MANIFEST.write_text(manifest.replace(project.version("dbt-core"), "1.0.0"))
    assert not project._is_parsed()
    project.MANIFEST.write_text(manifest)


def test_a_removed_model_is_noticed(build, small):
    """No file that is left is newer than what dbt has read, but the folder is."""
    folder, passing = small / "models", small / "models/passing.sql"
    build("good")
    before = folder.stat()

    passing.touch()
    passing.unlink()
    assert not project._is_parsed()

    os.utime(folder, (before.st_atime, before.st_mtime))
    assert project._is_parsed()


def test_a_copied_state_is_not_read_again(build, small, tmp_path, monkeypatch):
    """What dbt has read of the project holds for every warehouse."""
    build("good")
    copy = Settings(shutil.copytree(small, tmp_path / "copy"))
    monkeypatch.setattr(project, "settings", copy)
    for name in ("MANIFEST", "PARSED"):
        monkeypatch.setattr(project, name, copy.dbt_target / getattr(project, name).name)
    monkeypatch.setattr(project, "_parse", pytest.fail)

    assert [status for status, _, _ in build("good").results] == ["success", "pass"]


def test_loading_dbt_leaves_the_terminal_alone():
    """Nobody else's log goes there from then on."""
    code = (
        "import logging; from orchestration.dbt_runner import load_dbt; load_dbt(); "
        "logging.getLogger('dagster').warning('heard')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "WARNING:" not in done.stdout + done.stderr


@pytest.mark.parametrize("one", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_queries_and_leaves_the_process_as_it_was(build, small, one):
    """The endless model ends, and the warehouse can be written by others."""
    before = signal.getsignal(one), gc.get_threshold(), dict(os.environ)
    timer = threading.Timer(3, os.kill, (os.getpid(), one))
    timer.start()

    with pytest.raises(KeyboardInterrupt):
        build("endless")

    timer.join()
    assert (signal.getsignal(one), gc.get_threshold(), dict(os.environ)) == before
    with duckdb.connect(str(small / "warehouse.duckdb")) as connection:
        connection.execute("create or replace table free as select 1")
