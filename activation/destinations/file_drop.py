"""Write the whole audience to a CSV file in one atomic step, for whoever collects it."""

import csv
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, ClassVar

import orjson

from activation.destinations.base import BatchLimits, Capabilities, Surface
from activation.errors import PlatformRefused

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class FileDropSettings:
    """Where the files go."""

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {"folder": "REGULARS_FILE_DROP_FOLDER"}
    REQUIRED: ClassVar[tuple[str, ...]] = ("folder",)

    folder: str = ""


@dataclass(frozen=True)
class FileDrop:
    """CSV files (RFC 4180, UTF-8, header) with a manifest beside them."""

    settings: FileDropSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        name="file_drop",
        surfaces={"file": Surface("row", mirror="replace")},
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
        return self.settings.folder

    def is_present(self, name: str) -> bool:
        """Say whether the file and its manifest are where they were left."""
        return self._path(name).exists() and _manifest_path(self._path(name)).exists()

    def replace(
        self,
        name: str,
        columns: tuple[str, ...],
        rows: Iterable[Mapping[str, Any]],
        *,
        as_of: datetime,
    ) -> int:
        """Write the rows so that a reader sees the old file or the new one; return their number.

        The manifest follows the file: while its SHA-256 differs from the file's, a collector waits.
        """
        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            count = _write_rows(path, columns, rows)
            _write_manifest(path, columns, count, as_of)
        except OSError as error:
            msg = (
                f"file_drop cannot write {path.name} ({error.strerror}). "
                "Check REGULARS_FILE_DROP_FOLDER and the space left there."
            )
            raise PlatformRefused(msg) from error
        return count

    def _path(self, name: str) -> Path:
        stem = _UNSAFE.sub("_", name).strip("._") or "rows"
        return Path(self.settings.folder) / f"{stem}.csv"


def _manifest_path(path: Path) -> Path:
    return path.with_name(path.name + ".manifest.json")


def _write_rows(path: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\r\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_text(row.get(name)) for name in columns])
            count += 1
        _flush(handle)
    _rename(part, path)
    return count


def _write_manifest(path: Path, columns: tuple[str, ...], count: int, as_of: datetime) -> None:
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    manifest = {
        "file": path.name,
        "rows": count,
        "columns": columns,
        "sha256": digest,
        "as_of": as_of.isoformat(),
    }
    final = _manifest_path(path)
    part = final.with_name(final.name + ".part")
    with part.open("wb") as handle:
        handle.write(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        _flush(handle)
    _rename(part, final)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _flush(handle: IO[Any]) -> None:
    handle.flush()
    os.fsync(handle.fileno())


def _rename(part: Path, final: Path) -> None:
    """Put a finished file in place and make the folder's entry durable where that is possible."""
    os.replace(part, final)
    with suppress(OSError):
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
