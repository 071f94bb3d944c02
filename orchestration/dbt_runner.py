"""Run dbt inside this process: dbt that is loaded already starts in a second instead of six."""

import gc
import logging
import os
import re
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration import project
from orchestration.warehouse import is_disk_full

RESULTS = {"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult"}
# While dbt builds, nobody else of this process has the file open; it need not be opened anew
# for every model.
VARIABLES = {"REGULARS_DBT_KEEP_OPEN": "True"}
CHOSEN = "chosen_for_this_run"


@dataclass
class Outcome:
    """What dbt did: its log events of finished nodes, and (status, unique id, message) of each."""

    events: list[dict[str, Any]] = field(default_factory=list)
    results: list[tuple[str, str, str]] = field(default_factory=list)


def build(
    names: Collection[str],
    log: Path,
    on_node: Callable[[int], None],
    indirect_selection: str = "eager",
) -> Outcome:
    """Build and test the nodes of these names; `on_node` hears how many are finished.

    A name is what dbt's `--select` takes: a fully qualified name, a pattern, a method with a value.

    Raises KeyboardInterrupt when somebody stops the run: dbt has then cancelled its queries; and
    DbtParseError when the project cannot be read.
    """
    runner = load_dbt()
    from dbt_common.events.functions import msg_to_dict

    outcome = Outcome()

    def listen(event: Any) -> None:
        text = event.info.msg
        said.write(f"{without_values(text) if event.info.level == 'error' else text}\n")
        if event.info.name in RESULTS:
            outcome.events.append(msg_to_dict(event))
            on_node(len(outcome.events))

    project.parse()
    parsed = read_parsed(project.PARSED)
    arguments = [*_arguments(), "--indirect-selection", indirect_selection]
    arguments += ["--select", *_chosen(parsed, set(names))]
    with log.open("a") as said, undisturbed(), _interruptible():
        done = runner(manifest=parsed, callbacks=[listen]).invoke(arguments)
    if isinstance(done.exception, KeyboardInterrupt):
        raise done.exception
    nodes = getattr(done.result, "results", None)
    outcome.results = (
        [("error", "", str(done.exception or "dbt stopped without a result"))]
        if nodes is None
        else [
            (str(one.status), one.node.unique_id, without_values(str(one.message))) for one in nodes
        ]
    )
    return outcome


def load_dbt() -> Any:
    """Return dbt's runner; loading it takes two seconds.

    A library that it loads writes everybody's log to the terminal from then on, which is not its.
    """
    handlers = list(logging.root.handlers)
    from dbt.cli.main import dbtRunner

    logging.root.handlers[:] = handlers
    return dbtRunner


def without_values(said: str) -> str:
    """Return an engine's message without the values of records that it quotes.

    Quotes inside a value are not escaped, so all between the first and the last of a line goes. A
    full disk quotes settings and files only, and by them it is known.
    """
    if is_disk_full(said):
        return said
    return re.sub(r"'.*'|'.*$", "'…'", said, flags=re.MULTILINE)


def read_parsed(path: Path) -> Any:
    """Return the project as dbt has parsed it; for one call, which writes into it."""
    from dbt.contracts.graph.manifest import Manifest

    manifest = Manifest.from_msgpack(path.read_bytes())
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]
    return manifest


def _chosen(parsed: Any, names: set[str]) -> list[str]:
    """Return one selector for all nodes named in full: dbt looks at every node for each selector.

    The project as it was parsed is this run's own, so its nodes can be marked.
    """
    found = set()
    for node in parsed.nodes.values():
        if (name := ".".join(node.fqn)) in names:
            node.tags.append(CHOSEN)
            found.add(name)
    return [*([f"tag:{CHOSEN}"] if found else []), *sorted(names - found)]


def _arguments() -> list[str]:
    folder = str(project.DBT_PROJECT)
    return [
        "--no-version-check", "--no-use-colors", "--no-send-anonymous-usage-stats",
        # We write down what it says, without the details, which take a tenth of its time; the
        # terminal is not dbt's. Its results come back as objects, so nobody would read artefacts.
        "--log-level", "none", "--log-level-file", "none", "--no-write-json",
        "build", "--project-dir", folder, "--profiles-dir", folder,
        "--target-path", str(project.settings.dbt_target),
        # Unit tests judge the code, not the data: they run in `make test`.
        "--exclude-resource-type", "unit_test",
    ]  # fmt: skip


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let dbt run in this process without losing time, and leave the process as it was found."""
    from dbt_common.events import event_manager_client as events

    from orchestration.dbt_events import Discreet

    teller = events.get_event_manager()
    events.ctx_set_event_manager(Discreet())
    former = {name: os.environ.get(name) for name in VARIABLES}
    os.environ.update(VARIABLES)
    # The parsed project lives as long as the run: looking through it for garbage again and again
    # is a tenth of dbt's work.
    thresholds = gc.get_threshold()
    gc.set_threshold(50_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        events.ctx_set_event_manager(teller)
        _close_warehouse()
        for name, value in former.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn signals into the exception at which dbt cancels its queries; Dagster has its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    former = {one: signal.signal(one, signal.default_int_handler) for one in signals}
    try:
        yield
    finally:
        for one, handler in former.items():
            signal.signal(one, handler)


def _close_warehouse() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment: Any = DuckDBConnectionManager._ENV
    DuckDBConnectionManager._ENV = None
    if environment is not None:
        environment.close()
