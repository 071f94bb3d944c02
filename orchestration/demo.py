"""What the commands do: fill a world, run the job, show the result."""

import importlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from typing import TYPE_CHECKING, Any

from orchestration import summary as summaries
from orchestration.contracts import read_contracts
from orchestration.landing import check_headers, discover
from orchestration.last_page import show_summary
from orchestration.persons import show_explanation, show_kinship, show_visit
from orchestration.plans import show_difference, show_drift, show_released
from orchestration.platforms import addresses, platforms_of, sandbox_platforms
from orchestration.progress import reporter
from orchestration.runs import RunResult, run_daily
from orchestration.settings import CHECKOUT, Settings, read_settings
from orchestration.state import read_clock, read_model
from orchestration.sync_tables import show_syncs
from orchestration.terminal import console, errors
from orchestration.warehouse import Warehouse
from orchestration.worlds import World, choose_world, enter, fill_landing, read_world

if TYPE_CHECKING:
    from activation.withdrawals import Retired


class UnknownSync(LookupError):
    """There is no sync of this name."""


def run_demo(
    settings: Settings,
    shop: str,
    size: str,
    seed: int,
    overrides: tuple[str, ...],
    until: date | None,
) -> bool:
    """Run the whole road on one world; returns whether everything succeeded."""
    started = time.monotonic()
    world = choose_world(shop, size, seed, overrides)
    aside = enter(settings, world)
    if aside:
        console.print(f"The other shop's state is kept in {settings.home}/archive/{aside}.")
    with _parsing_the_project():
        _fill(settings, world, until)
    with sandbox_platforms(settings) as url:
        before = _count_requests(url)
        result = run_daily(settings)
        after = _count_requests(url)
    if not settings.warehouse.exists():
        _show_failures(settings, result)
        return False
    summary = summaries.collect(settings, result)
    summary |= {
        "shop": world.shop,
        "size": world.size,
        "seed": world.seed,
        "platforms": {name: after[name] - before[name] for name in after},
        "steps": {step: round(seconds, 2) for step, seconds in reporter().seconds.items()},
        "seconds": round(time.monotonic() - started, 1),
    }
    summaries.write(settings, summary)
    show_summary(summary)
    show_syncs(summary["syncs"])
    _show_end(settings, summary, result)
    return result.is_success


def run_syncs(settings: Settings, name: str | None, plan: str | None) -> bool:
    """Send one sync or all, retired ones included; returns whether all succeeded."""
    names, retired = _names(settings, name)
    chosen = {"plan": plan} if plan else {}
    configuration = {f"activation__{one}": {"config": chosen} for one in names}
    if retired:
        configuration["activation__retired_syncs"] = {"config": {**chosen, **_named(name)}}
    assets = [step.replace("__", "/", 1) for step in configuration]
    with platforms_of(settings):
        result = run_daily(settings, assets, {"ops": configuration})
    rows = summaries.sync_rows(result)
    show_syncs(rows)
    _show_failures(settings, result)
    return result.is_success


def reconcile(settings: Settings, name: str) -> None:
    """Compare a platform's list with the ledger and print the difference."""
    from activation.destinations import settings_for
    from activation.pacing import Patience
    from activation.reconcile import reconcile_sync
    from activation.spec import load_specs
    from orchestration.ledger_keys import read_keys
    from orchestration.project import manifest

    _sync_names(name)
    (spec,) = (spec for spec in load_specs(manifest()) if spec.name == name)
    warehouse = Warehouse(settings.warehouse)
    with platforms_of(settings), warehouse.writing(), warehouse.connect() as connection:
        destination = settings_for(spec.destination, read_settings().variables)
        options: dict[str, Any] = {
            "keys": read_keys(settings),
            "patience": Patience(rates_folder=settings.rates),
        }
        show_drift(reconcile_sync(connection, spec, destination, **options))


def retry(settings: Settings, name: str, doubtful: bool) -> None:
    """Let the rows of a sync that wait be sent again by the next run; print how many."""
    from activation.destinations import settings_for
    from activation.release import release_rows
    from activation.spec import load_specs
    from orchestration.ledger_keys import read_keys
    from orchestration.project import manifest

    _sync_names(name)
    (spec,) = (spec for spec in load_specs(manifest()) if spec.name == name)
    destination = settings_for(spec.destination, _variables(settings))
    warehouse, keys = Warehouse(settings.warehouse), read_keys(settings)
    with warehouse.writing(), warehouse.connect() as connection:
        show_released(release_rows(connection, spec, destination, keys=keys, doubtful=doubtful))


def show_plan(settings: Settings, name: str | None, rows: int) -> None:
    """Print the difference between what is desired and what the platforms hold."""
    from activation.destinations import settings_for
    from activation.spec import load_specs
    from activation.syncs import diff_sync
    from orchestration.ledger_keys import read_keys
    from orchestration.project import manifest
    from orchestration.retired import Surroundings, foresee

    names, retired = _names(settings, name)
    keys, variables = read_keys(settings), _variables(settings)
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        as_of, model = read_clock(connection), read_model(connection, settings.failing_models)
        for spec in load_specs(manifest()):
            if spec.name in names:
                destination = settings_for(spec.destination, variables)
                show_difference(
                    diff_sync(
                        connection, spec, destination, as_of=as_of, keys=keys, model=model,
                        limit=rows,
                    )
                )  # fmt: skip
        around = Surroundings(variables, as_of, keys)
        for one in retired:
            show_difference(foresee(connection, one, around, rows))


def show_customer(settings: Settings, text: str) -> None:
    """Print everything known of one person, or of an anonymous visit."""
    from orchestration.explain import explain, explain_visit, find_customer

    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        if (visit := explain_visit(connection, text)) is not None:
            show_visit(visit)
            return
        found = explain(connection, find_customer(connection, text), read_clock(connection))
    show_explanation(found)


def show_why(settings: Settings, first: str, second: str) -> None:
    """Print why two are one person, or why they are not."""
    from orchestration.evidence import kinship

    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        show_kinship(kinship(connection, first, second))


@contextmanager
def _parsing_the_project() -> Iterator[None]:
    """Have dbt read its project meanwhile; what is wrong with it is told when it is needed."""
    thread = threading.Thread(target=_parse_project, daemon=True)
    thread.start()
    yield
    # It takes longer than filling a small landing folder: load what the run needs anyway.
    _load_libraries()
    thread.join()


def _load_libraries() -> None:
    from ml.libraries import load_libraries
    from orchestration.dbt_runner import load_dbt

    load_libraries()
    for name in ("dagster_dbt", "orchestration.card_charts"):
        importlib.import_module(name)
    load_dbt()


def _parse_project() -> None:
    from orchestration.project import DbtParseError, parse

    with suppress(DbtParseError):
        parse()


def _fill(settings: Settings, world: World, until: date | None) -> None:
    step = "Fill the landing folder"
    reporter().begin(step)
    rows = fill_landing(
        settings,
        world,
        until,
        lambda label, done, total: reporter().advance(step, done, total, label),
    )
    # Seconds before Dagster and dbt are even loaded: a wrong header is told at once.
    files, _ = discover(settings.landing, read_contracts(CHECKOUT / "dbt_project"))
    check_headers(files)
    reporter().end(step, f"{sum(rows.values()):,} {'files' if 'files' in rows else 'rows'}")


def _sync_names(name: str | None) -> list[str]:
    from activation.spec import load_specs
    from orchestration.project import manifest

    known = [spec.name for spec in load_specs(manifest())]
    if name is None:
        return known
    if name not in known:
        msg = f"There is no sync of that name. There are: {', '.join(known)}."
        raise UnknownSync(msg)
    return [name]


def _names(settings: Settings, name: str | None) -> tuple[list[str], list["Retired"]]:
    """Return which syncs of the project are meant, and which that it no longer has."""
    from activation.spec import load_specs
    from orchestration.project import manifest
    from orchestration.retired import retired_syncs

    if not settings.warehouse.exists() or name in _sync_names(None):
        return _sync_names(name), []
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        found = retired_syncs(connection, load_specs(manifest()), _variables(settings))
    retired = [one for one in found if name in (None, one.holder.sync)]
    is_retired = name is not None and len(retired) > 0
    return [] if is_retired else _sync_names(name), retired


def _named(name: str | None) -> dict[str, str]:
    return {"sync": name} if name else {}


def _variables(settings: Settings) -> dict[str, str]:
    """Return the environment of a run.

    A demo's state belongs to the sandbox accounts; they need not run to be compared with.
    """
    sandbox = addresses("http://127.0.0.1", "") if read_world(settings) else {}
    return {**settings.variables, **sandbox}


def _count_requests(url: str) -> dict[str, int]:
    """Return how many requests the platforms have seen, and how many of them changed something."""
    import httpx

    answer = httpx.get(f"{url}/_requests/summary", timeout=10)
    answer.raise_for_status()
    found = answer.json()
    return {name: int(found[name]) for name in ("requests", "changed_state")}


def _show_end(settings: Settings, summary: dict[str, Any], result: RunResult) -> None:
    _show_failures(settings, result)
    sent = summary["platforms"]
    console.print(
        f"\n{sent['requests']} requests to the platforms, {sent['changed_state']} of them changed "
        f"something. {summary['seconds']:.0f} s in all. Summary: {settings.summary}"
    )
    if result.is_success:
        console.print(
            f"Look: {settings.report}. Next: [bold]regulars plan[/] · "
            "[bold]regulars explain[/] E-MAIL · [bold]make ui[/] · [bold]regulars sandbox[/]"
        )


def _show_failures(settings: Settings, result: RunResult) -> None:
    for step, reason in result.failures.items():
        errors.print(f"[red]✗ {step}[/]")
        errors.print(f"  {reason}", markup=False)
    if result.failures:
        errors.print(f"Details: {settings.logs / 'dagster.log'}", style="dim")
