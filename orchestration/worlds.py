"""Fill the landing folder: with the simulated shop, with real orders, or with one's own files."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from orchestration.landing import read_manifest
from orchestration.settings import Settings

SIMULATED = "simulated"
ONLINE_RETAIL = "online-retail"
# What belongs to one shop and moves away with it when another one is shown.
STATE = (
    "landing", "truth", "models", "outbox", "erasures", "warehouse.duckdb", "serving.duckdb",
    "platforms.sqlite", "platforms.sqlite-wal", "platforms.sqlite-shm", "summary.json",
    "failing_models.json", "world.json",
)  # fmt: skip


class UnknownShop(ValueError):
    """There is no such shop."""


@dataclass(frozen=True)
class World:
    """Which shop a state folder holds. `until` is not part of it: time passes in one world."""

    shop: str
    size: str = ""
    seed: int = 0
    overrides: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """Return a folder name that is the same for the same world."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        name = self.shop if self.shop in (SIMULATED, ONLINE_RETAIL) else "folder"
        return "-".join(part for part in (name, self.size, digest[:8]) if part)


def choose_world(shop: str, size: str, seed: int, overrides: tuple[str, ...]) -> World:
    """Return the world that the command line asks for.

    Raises UnknownShop when the shop is neither one of ours nor a folder.
    """
    if shop == SIMULATED:
        return World(SIMULATED, size, seed, overrides)
    if shop == ONLINE_RETAIL:
        return World(ONLINE_RETAIL)
    folder = Path(shop).expanduser()
    if not folder.is_dir():
        msg = (
            f"'{shop}' is neither a folder nor one of: {SIMULATED}, {ONLINE_RETAIL}. "
            "Give the folder that holds your orders.csv."
        )
        raise UnknownShop(msg)
    return World(str(folder.resolve()))


def read_world(settings: Settings) -> World | None:
    """Return the world that the state folder holds, if any."""
    path = settings.home / "world.json"
    if not path.exists():
        return None
    known = json.loads(path.read_text())
    return World(known["shop"], known["size"], known["seed"], tuple(known["overrides"]))


def enter(settings: Settings, world: World) -> str | None:
    """Make the state folder hold this world; another world's state is put aside, not lost.

    Returns the name under which the other world was put aside.
    """
    settings.create_folders()
    current, aside = read_world(settings), None
    if current is not None and current != world:
        aside = current.slug
        _move(settings.home, settings.home / "archive" / aside)
        _move(settings.home / "archive" / world.slug, settings.home)
        settings.create_folders()
    (settings.home / "world.json").write_text(json.dumps(asdict(world)))
    return aside


def fill_landing(
    settings: Settings,
    world: World,
    until: date | None,
    progress: Callable[[str, int, int], None],
) -> Mapping[str, int]:
    """Write or refresh the landing folder; returns rows per table where they are known.

    Without `until` a world stays on the day it has reached.
    """
    reached = read_manifest(settings.landing).get("until")
    if world.shop == SIMULATED:
        from sandbox.shop import generate

        summary = generate(
            settings.landing,
            settings.truth,
            size=world.size,
            seed=world.seed,
            until=until or (date.fromisoformat(str(reached)) if reached else None),
            overrides=world.overrides,
            progress=progress,
        )
        return dict(summary.rows)
    if world.shop == ONLINE_RETAIL:
        from sandbox.online_retail import land

        return dict(land(settings.landing).rows)
    return {"files": _mirror(Path(world.shop), settings.landing)}


def _mirror(source: Path, landing: Path) -> int:
    """Copy a folder's files with their times; files that left the folder leave the copy."""
    wanted = {
        path.relative_to(source)
        for path in source.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.parts[-3:])
    }
    for path in landing.rglob("*"):
        if path.is_file() and path.relative_to(landing) not in wanted:
            path.unlink()
    for name in sorted(wanted):
        target = landing / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target)
    return len(wanted)


def _move(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    target.mkdir(parents=True, exist_ok=True)
    for name in STATE:
        if (source / name).exists():
            if (target / name).is_dir():
                shutil.rmtree(target / name)
            shutil.move(source / name, target / name)
