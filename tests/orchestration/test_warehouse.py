"""One writer at a time, and readers that keep what they opened."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration.warehouse import Warehouse, WarehouseBusy, WarehouseError, is_disk_full

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from orchestration.warehouse import Warehouse
with Warehouse(Path(sys.argv[1])).{what}:
    print("held", flush=True)
    sys.stdin.readline()
"""


def hold(path, what):
    """Start a process that holds the file until a line is written to it, or it is killed."""
    command = [sys.executable, "-c", HOLD.format(what=what), str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    child = subprocess.Popen(command, cwd=ROOT, **pipes)
    child.stdout.readline()
    return child


@pytest.mark.parametrize("what", ["connect()", "writing()"])
def test_a_second_writer_waits_for_the_first(tmp_path, what):
    """Whether a process of ours or an outsider holds the file, we wait and then get it."""
    path = tmp_path / "w.duckdb"
    warehouse, has_it = Warehouse(path, lock_timeout=60), threading.Event()

    def write():
        with warehouse.writing(), warehouse.connect() as connection:
            connection.execute("create table t as select 1 as one")
            has_it.set()

    with hold(path, what) as child, ThreadPoolExecutor(1) as pool:
        second = pool.submit(write)
        assert not has_it.wait(0.5)
        child.communicate("enough\n")
        second.result()

    assert has_it.is_set()


def test_waiting_ends_with_a_sentence_that_helps(tmp_path):
    """After the timeout the message names the file and what to close."""
    path = tmp_path / "w.duckdb"
    with hold(path, "connect()") as child:
        with pytest.raises(WarehouseBusy, match=r"w\.duckdb open. Close it"):
            Warehouse(path, lock_timeout=0.3)._open(False)
        child.kill()


def test_reading_a_warehouse_that_is_not_there_says_what_to_run(tmp_path):
    """A newcomer who asks before the first run is told how to make one."""
    with (
        pytest.raises(WarehouseError, match="Run `regulars demo` first"),
        Warehouse(tmp_path / "none.duckdb").connect(read_only=True),
    ):
        pass


def test_memory_is_limited_as_asked_for(tmp_path):
    """Half of the machine unless somebody says otherwise."""
    limited = Warehouse(tmp_path / "w.duckdb", memory_limit="2GiB")

    with limited.connect() as connection:
        assert connection.execute("select current_setting('memory_limit')") == [("2.0 GiB",)]


def test_a_failed_transaction_leaves_nothing(tmp_path):
    """Everything inside the block is undone when an exception leaves it."""
    with Warehouse(tmp_path / "w.duckdb").connect() as connection:
        connection.execute("create table t (n bigint, s varchar)")
        with pytest.raises(ZeroDivisionError), connection.transaction():
            connection.insert("t", pa.table({"s": ["a"], "n": [1]}))
            raise ZeroDivisionError

        assert connection.execute("select count(*) from t") == [(0,)]


def test_streaming_goes_on_while_the_connection_writes(tmp_path):
    """A reader in batches does not block the writes that acknowledge them."""
    with Warehouse(tmp_path / "w.duckdb").connect() as connection:
        connection.execute("create table t as select * from range(10) as r(n)")
        connection.execute("create table done (n bigint)")

        for batch in connection.stream("select n from t order by n", 3):
            connection.insert("done", pa.Table.from_batches([batch]))

        assert connection.execute("select count(*), sum(n) from done") == [(10, 45)]


def test_a_full_disk_is_recognised():
    """The engine's message for a full disk is told apart from others."""
    assert is_disk_full("IO Error: Could not write: No space left on device")
    assert not is_disk_full("IO Error: Could not set lock on file")


FILL = """
import resource, signal, sys
from pathlib import Path
from orchestration.warehouse import DiskFull, Warehouse
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
try:
    with Warehouse(Path(sys.argv[1])).connect() as connection, connection.transaction():
        connection.execute("create table t as select md5(n::varchar) as h from range(999999) r(n)")
except DiskFull as error:
    print(error)
"""


def test_a_full_disk_while_building_is_one_sentence_and_leaves_the_file_whole(tmp_path):
    """Nothing of the failed step is kept, and the warehouse opens again."""
    path = tmp_path / "w.duckdb"
    with Warehouse(path).connect() as connection:
        connection.execute("create table before as select 1 as one")

    done = subprocess.run(
        [sys.executable, "-c", FILL, str(path)], cwd=ROOT, capture_output=True, text=True
    )

    assert "The disk is full. Free some space" in done.stdout, done.stderr
    with Warehouse(path).connect() as connection:
        assert connection.table_exists("main", "before")
        assert not connection.table_exists("main", "t")
