"""Show the versions of predictions and choose which one scores, from the command line."""

import re
from collections.abc import Sequence
from pathlib import Path

from rich.markdown import Markdown

from ml.errors import VersionNotFound
from ml.models import PREDICTIONS
from orchestration.cards import path_of
from orchestration.model_versions import Training, list_trainings, read_pin, release, roll_back
from orchestration.settings import Settings
from orchestration.terminal import console, show_rows
from orchestration.warehouse import Warehouse

COLUMNS = ("version", "use", "measure", "naive", "status")
# A picture with its heading and how to read it.
PICTURE = re.compile(r"## [^\n]*\n\n!\[[^\]]*\]\([^)]*\)\n\n[^\n]*\n\n")
NEXT = "The next run scores with it: regulars demo, or the daily job."


def show_versions(settings: Settings, name: str | None) -> None:
    """Print every training of one prediction or of all, newest first."""
    names = [_known(name)] if name else [prediction.NAME for prediction in PREDICTIONS]
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        for one in names:
            trainings = list_trainings(connection, one)
            rows = [_row(training) for training in trainings]
            show_rows(one, rows, COLUMNS)
            if not rows:
                console.print(f"{one}: nothing was trained yet.")
            if card := _card(settings, one, trainings):
                console.print(f"  card: {card}", markup=False, soft_wrap=True)
            if pin := read_pin(connection, one):
                why = f": {pin.reason}" if pin.reason else ", no reason given"
                console.print(f"  pinned on {pin.pinned_at:%Y-%m-%d}{why}", markup=False)


def show_card(settings: Settings, name: str) -> None:
    """Print the card of the version that scores, without its pictures."""
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        path = _card(settings, name, list_trainings(connection, _known(name)))
    if path is None:
        raise VersionNotFound(
            f"{name} has no card: nothing scores, or its folder is gone. Train it."
        )
    text = path.read_text(encoding="utf-8")
    console.print(Markdown(PICTURE.sub("", text)))
    console.print(f"With pictures: {path}", markup=False, soft_wrap=True)


def use_version(settings: Settings, name: str, version: str | None, reason: str) -> None:
    """Pin a version and say what follows."""
    warehouse = Warehouse(settings.warehouse)
    with warehouse.writing(), warehouse.connect() as connection:
        chosen = roll_back(
            connection, _known(name), settings.models, version=version, reason=reason
        )
    console.print(f"{name} scores with {chosen} from now on, until it is released. {NEXT}")


def release_version(settings: Settings, name: str) -> None:
    """Release what is pinned, or say that nothing is."""
    warehouse = Warehouse(settings.warehouse)
    with warehouse.writing(), warehouse.connect() as connection:
        was_pinned = release(connection, _known(name))
    done = f"{name} scores with its newest version again. {NEXT}"
    console.print(done if was_pinned else f"{name} was not pinned: its newest version scores.")


def _card(settings: Settings, name: str, trainings: Sequence[Training]) -> Path | None:
    """Return the card of the version that scores, where there is one."""
    used = next((one for one in trainings if one.is_used and one.version), None)
    path = path_of(settings.models, name, str(used.version)) if used else None
    return path if path and path.is_file() else None


def _known(name: str) -> str:
    known = [prediction.NAME for prediction in PREDICTIONS]
    if name not in known:
        raise VersionNotFound(f"There is no prediction {name}. Known: {', '.join(known)}.")
    return name


def _row(training: Training) -> dict[str, object]:
    use = "pinned" if training.is_pinned else "scores" if training.is_used else None
    measures = (training.measure, training.naive)
    reached, naive = ("-" if value is None else f"{value:.4f}" for value in measures)
    return {
        "version": training.version or f"none of {training.as_of:%Y-%m-%d}",
        "use": use,
        "measure": f"{training.measure_name} {reached}" if training.measure_name else "-",
        "naive": naive,
        "status": training.status.replace("_", " "),
    }
