"""Run the sandbox: in this process, or as a child that never outlives its parent."""

from __future__ import annotations

import gc
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from sandbox.platforms.app import create_app
from sandbox.platforms.vendor import Settings

STOP_SECONDS = 5.0
_CHECKOUT = Path(__file__).resolve().parents[2]


class PlatformsNotStarted(RuntimeError):
    """The child process ended before it was ready."""


class _Server(uvicorn.Server):
    """A uvicorn server that says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then tell."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def serve(
    database: Path,
    port: int,
    settings: Settings,
    ready: Callable[[str], None],
    *,
    until_stdin_closes: bool = False,
) -> None:
    """Serve until a signal comes; call `ready` with the base URL once requests are answered.

    With `until_stdin_closes`, serving also ends when standard input ends: a parent that holds the
    other end of the pipe takes the server with it, however it dies.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)  # a batch makes 10,000 rows at once: no need to look often
    server, listener = _prepare(database, port, settings, ready)
    if until_stdin_closes:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    server.run(sockets=[listener])


def _prepare(
    database: Path, port: int, settings: Settings, ready: Callable[[str], None]
) -> tuple[uvicorn.Server, socket.socket]:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        create_app(database, settings),
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
    )
    return _Server(config, lambda: ready(url)), listener


def _end_with_stdin(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True


@contextmanager
def running(
    database: Path, port: int = 0, *, rate_factor: float = 1.0, polls: int = 1
) -> Iterator[str]:
    """Run the sandbox as a child process and yield its base URL once it answers.

    The state stays in `database`, what goes wrong is written beside it with the ending `.log`. On
    leaving, and when this process dies, the child ends.

    Raises:
        PlatformsNotStarted: when the child ends before it is ready; the message holds its reason.
    """
    command = [
        sys.executable, "-m", "sandbox.platforms", "--database", str(database.resolve()),
        "--port", str(port), "--rate-factor", str(rate_factor), "--polls", str(polls),
        "--until-stdin-closes",
    ]  # fmt: skip
    log = database.with_suffix(".log")
    database.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as complaints:
        child = subprocess.Popen(  # noqa: S603 - our own module, own arguments
            command,
            cwd=_CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,
        )
    try:
        yield _wait_until_ready(child, log)
    finally:
        _stop(child)


@contextmanager
def running_in_thread(database: Path, settings: Settings) -> Iterator[str]:
    """Run the sandbox in a thread of this process and yield its base URL once it answers."""
    urls: queue.Queue[str] = queue.Queue()
    server, listener = _prepare(database, 0, settings, urls.put)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield urls.get(timeout=STOP_SECONDS)
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)


def _wait_until_ready(child: subprocess.Popen[str], log: Path) -> str:
    line = child.stdout.readline().strip() if child.stdout else ""
    if line.startswith("http://"):
        return line
    reason = " ".join(log.read_text().strip().splitlines()[-1:]) or "no reason given"
    msg = f"The platforms did not start: {reason}. The whole story is in {log}."
    raise PlatformsNotStarted(msg)


def _stop(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe:
            pipe.close()
