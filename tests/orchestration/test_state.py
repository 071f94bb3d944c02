"""Looking at the state costs what looking costs."""

import subprocess
import sys

from orchestration.state import read_failures


def test_commands_that_only_look_load_no_orchestrator():
    """Dagster and dbt take three seconds to load, and a person waits for the answer."""
    code = "import sys, orchestration.explain, orchestration.export, orchestration.demo\n"
    code += "print(sorted({'dagster', 'dagster_dbt', 'dbt'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_no_file_means_that_nothing_failed(tmp_path):
    """Before the first build there is nothing to hold against a model."""
    assert read_failures(tmp_path / "failing_models.json") == frozenset()
    (tmp_path / "failing_models.json").write_text('["customers"]')
    assert read_failures(tmp_path / "failing_models.json") == {"customers"}
