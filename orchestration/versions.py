"""Show the versions of predictions and choose which one scores, from the command line."""

from ml.errors import VersionNotFound
from ml.models import PREDICTIONS
from orchestration.model_versions import Training, list_trainings, read_pin, release, roll_back
from orchestration.settings import Settings
from orchestration.terminal import console, show_rows
from orchestration.warehouse import Warehouse

COLUMNS = ("version", "use", "measure", "naive", "status")
NEXT = "The next run scores with it: regulars demo, or the daily job."


def show_versions(settings: Settings, name: str | None) -> None:
    """Print every training of one prediction or of all, newest first."""
    names = [_known(name)] if name else [prediction.NAME for prediction in PREDICTIONS]
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        for one in names:
            rows = [_row(training) for training in list_trainings(connection, one)]
            show_rows(one, rows, COLUMNS)
            if not rows:
                console.print(f"{one}: nothing was trained yet.")
            if pin := read_pin(connection, one):
                why = f": {pin.reason}" if pin.reason else ", no reason given"
                console.print(f"  pinned on {pin.pinned_at:%Y-%m-%d}{why}", markup=False)


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
