"""Write the whole audience to a CSV file in one atomic step, for whoever collects it."""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, ClassVar

import orjson

from activation.destinations.capabilities import BatchLimits, Capabilities, Surface
from activation.destinations.folders import Alive, Folder, LocalFolder
from activation.destinations.letters import FIELDS, NEEDED, Letters
from activation.destinations.sftp import HOST_KEY, PASSWORD, PRIVATE_KEY, URL, SftpFolder

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class FileDropSettings:
    """Where the files go: to a folder of this machine, or to an SFTP server when one is named."""

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {
        "folder": "REGULARS_FILE_DROP_FOLDER",
        "sftp_url": URL,
        "sftp_host_key": HOST_KEY,
        "sftp_private_key": PRIVATE_KEY,
        "sftp_password": PASSWORD,
    }
    REQUIRED: ClassVar[tuple[str, ...]] = ("folder",)

    folder: str = ""
    sftp_url: str = field(default="", repr=False)
    sftp_host_key: str = ""
    sftp_private_key: str = field(default="", repr=False)
    sftp_password: str = field(default="", repr=False)


@dataclass(frozen=True)
class FileDrop:
    """CSV files (RFC 4180, UTF-8, header) with a manifest beside them."""

    settings: FileDropSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        name="file_drop",
        surfaces={
            "file": Surface("row", mirror="replace"),
            "letters": Surface(
                "row",
                mirror="replace",
                fields=FIELDS,
                needs_fields=NEEDED,
                channel="post",
            ),
        },
        fields=frozenset(),
        takes_any_field=True,
        identities=(),
        addresses={"email": "email", "phone": "phone"},
        batch=BatchLimits(upsert_rows=1_000_000_000, removal_rows=1_000_000_000),
        normaliser="file_drop/1",
        needs_target=False,
    )

    @property
    def account(self) -> str:
        """Return the folder."""
        return self._folder.account

    def is_present(self, name: str) -> bool:
        """Say whether the file and its manifest are where they were left."""
        return self._folder.has(_file(name), _manifest_of(_file(name)))

    def letters(self, surface: str) -> Letters | None:
        """Return what makes letters out of rows where a letter shop is to print them."""
        return Letters() if surface == "letters" else None

    def replace(
        self,
        name: str,
        columns: tuple[str, ...],
        rows: Iterable[Mapping[str, Any]],
        *,
        as_of: datetime,
        alive: Alive = lambda: None,
        letters: Letters | None = None,
    ) -> int:
        """Write the rows so that a reader sees the old file or the new one; return their number.

        The manifest follows the file: while its SHA-256 differs from the file's, a collector waits.
        It tells how many rows `letters` left out, and why.
        """
        file = _file(name)
        count, digest = self._folder.write(
            file, lambda handle: _write_rows(handle, columns, rows), alive
        )
        manifest = {
            "file": file,
            "rows": count,
            "columns": columns,
            "sha256": digest,
            "as_of": as_of.isoformat(),
        }
        if letters is not None:
            manifest["left_out"] = dict(sorted(letters.left_out.items()))
        document = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
        self._folder.write(_manifest_of(file), lambda handle: handle.write(document), alive)
        return count

    @property
    def _folder(self) -> Folder:
        given = self.settings
        if not given.sftp_url:
            return LocalFolder(given.folder)
        return SftpFolder(
            given.sftp_url, given.sftp_host_key, given.sftp_private_key, given.sftp_password
        )


def _file(name: str) -> str:
    return (_UNSAFE.sub("_", name).strip("._") or "rows") + ".csv"


def _manifest_of(file: str) -> str:
    return f"{file}.manifest.json"


def _write_rows(
    handle: IO[bytes], columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]
) -> tuple[int, str]:
    """Write header and rows; return the number of rows and the SHA-256 of the bytes."""
    count = 0
    text = io.TextIOWrapper(handle, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_text(row.get(name)) for name in columns])
        count += 1
    text.flush()
    text.detach()
    handle.seek(0)
    digest = hashlib.sha256()
    while chunk := handle.read(1 << 20):
        digest.update(chunk)
    return count, digest.hexdigest()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
