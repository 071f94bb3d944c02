"""Find the landed files and judge them before anything is loaded."""

import codecs
import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet

from orchestration.contracts import TableContract

FORMATS = {
    ".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip
DELIMITERS = (",", ";", "\t", "|")


class LandingError(ValueError):
    """The landing folder cannot be loaded; the message names file, column and remedy."""


@dataclass(frozen=True)
class LandedFile:
    """One readable file of a source table.

    `delimiter` and `encoding` are set for CSV. `problem` is set when the file cannot be read at
    all; it is then quarantined as a whole.
    """

    contract: TableContract
    path: Path
    name: str
    format: str
    arrived_on: date
    header: tuple[str, ...] = ()
    delimiter: str = ","
    encoding: str = "utf-8"
    problem: str | None = None


def read_manifest(landing: Path) -> dict[str, object]:
    """Return what the producer of the landing folder says about it; empty when it says nothing."""
    path = landing / "manifest.json"
    return json.loads(path.read_text()) if path.exists() else {}


def discover(
    landing: Path, contracts: Mapping[str, TableContract]
) -> tuple[tuple[LandedFile, ...], tuple[str, ...]]:
    """Return the files that belong to a contract, and the names of those that belong to none.

    Raises LandingError when there is nothing to load.
    """
    files, ignored = [], []
    for path, name, contract in candidates(landing, contracts):
        if contract:
            files.append(inspect(path, name, contract))
        else:
            ignored.append(name)
    if not files:
        raise LandingError(_nothing_to_load(landing, ignored))
    return tuple(files), tuple(ignored)


def candidates(
    landing: Path, contracts: Mapping[str, TableContract]
) -> Iterator[tuple[Path, str, TableContract | None]]:
    """Yield path and name of every file in the landing folder, and the contract it belongs to."""
    for path in sorted(landing.rglob("*")) if landing.is_dir() else []:
        name = path.relative_to(landing).as_posix()
        if path.is_dir() or path.name.startswith((".", "_")) or name == "manifest.json":
            continue
        contract = _contract_of(path.relative_to(landing), contracts)
        if contract and path.suffix.lower() in FORMATS:
            yield path, name, contract
        elif path.suffix.lower() not in {".md", ".part", ".tmp"}:
            yield path, name, None


def check_headers(files: tuple[LandedFile, ...]) -> None:
    """Raise one LandingError that lists every wrong header, before anything is built."""
    problems = [
        f"{file.name}: {problem}"
        for file in files
        if not file.problem
        for problem in file.contract.header_problems(file.header)
    ]
    if problems:
        shown = "\n  ".join(problems[:20])
        msg = f"The columns of the landed files do not fit the contract:\n  {shown}"
        raise LandingError(msg)


def choose_clock(
    manifest: Mapping[str, object],
    files: tuple[LandedFile, ...],
    override: datetime | None,
    newest_order: datetime | None,
) -> datetime:
    """Return the moment the run looks at the world from (naive UTC).

    First that applies: REGULARS_AS_OF; midnight after the manifest's `until`; midnight after
    the newest `arrived_on` partition; midnight after the newest order of a plain folder, so that
    an export of last year is not seen as a year of silence; now.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    if override:
        return override
    if "until" in manifest:
        return _midnight_after(date.fromisoformat(str(manifest["until"])))
    partitioned = [file.arrived_on for file in files if "arrived_on=" in file.name]
    if partitioned:
        return min(_midnight_after(max(partitioned)), now)
    return min(_midnight_after(newest_order.date()), now) if newest_order else now


def _midnight_after(day: date) -> datetime:
    return datetime.fromordinal(day.toordinal() + 1)


def _contract_of(relative: Path, contracts: Mapping[str, TableContract]) -> TableContract | None:
    """Match <source>/<table>/…, <source>/<table>.ext, or <table>.ext of the shop."""
    parts = [part.lower() for part in relative.parts]
    stem = Path(parts[-1]).stem
    candidates = ["/".join(parts[:2])] if len(parts) > 2 else []
    candidates += [f"{parts[0]}/{stem}"] if len(parts) == 2 else []
    candidates += [f"shop/{stem}"] if len(parts) == 1 else []
    return next((contracts[name] for name in candidates if name in contracts), None)


def inspect(path: Path, name: str, contract: TableContract) -> LandedFile:
    kind = FORMATS[path.suffix.lower()]
    arrived = re.search(r"arrived_on=(\d{4}-\d{2}-\d{2})", name)
    day = (
        date.fromisoformat(arrived[1])
        if arrived
        else datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    )
    try:
        header, delimiter, encoding = _HEADERS[kind](path, contract)
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        problem = f"unreadable_{kind}: {type(error).__name__}"
        return LandedFile(contract, path, name, kind, day, problem=problem)
    return LandedFile(contract, path, name, kind, day, header, delimiter, encoding)


def _parquet_header(path: Path, _: TableContract) -> tuple[tuple[str, ...], str, str]:
    return tuple(pyarrow.parquet.read_schema(path).names), ",", "utf-8"


def _csv_header(path: Path, contract: TableContract) -> tuple[tuple[str, ...], str, str]:
    """Read the first line; the delimiter is the one that yields most known column names."""
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as handle:
        first = handle.readline()
    if not first.strip():
        msg = "the file is empty"
        raise ValueError(msg)
    headers = {mark: tuple(next(csv.reader([first], delimiter=mark))) for mark in DELIMITERS}

    def known(mark: str) -> int:
        return sum(name.strip().lower() in contract.column_names for name in headers[mark])

    best = max(DELIMITERS, key=lambda mark: (known(mark), len(headers[mark])))
    return headers[best], best, encoding


def _jsonl_header(path: Path, contract: TableContract) -> tuple[tuple[str, ...], str, str]:
    """Collect the names used in the first thousand lines; JSON leaves empty fields out."""
    names: dict[str, None] = {}
    if not path.stat().st_size:
        return contract.column_names, ",", "utf-8"
    with path.open(encoding=_encoding(path)) as handle:
        for _number, line in zip(range(1000), handle, strict=False):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            names.update(dict.fromkeys(record if isinstance(record, dict) else ()))
    if not names:
        msg = "no line is a JSON object"
        raise ValueError(msg)
    return tuple(names), ",", _encoding(path)


_HEADERS = {"parquet": _parquet_header, "csv": _csv_header, "jsonl": _jsonl_header}


def _encoding(path: Path) -> str:
    """Tell UTF-8 and UTF-16 by trying; anything else is read as Windows-1252."""
    with path.open("rb") as handle:
        start = handle.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(start)
            while chunk := handle.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"


def _nothing_to_load(landing: Path, ignored: list[str]) -> str:
    if ignored:
        return (
            f"None of the {len(ignored)} files in {landing} belongs to a source (first: "
            f"{ignored[0]}). Name them <source>/<table>.csv, e.g. shop/orders.csv, or orders.csv."
        )
    return (
        f"The landing folder {landing} is empty. Put an orders.csv there, or run "
        "`regulars demo` for a simulated shop."
    )
