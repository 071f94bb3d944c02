"""Requests to be erased as an asset of the daily run: counted always, erased where that is set."""

from dataclasses import asdict
from typing import Any

import dagster as dg

from activation.errors import ActivationError
from orchestration.progress import reporter
from orchestration.settings import read_settings


@dg.asset(
    key=["privacy", "erasures"],
    # Last of all: it builds everything anew, so that whoever is erased is in none of it.
    deps=[
        dg.AssetKey(["privacy", "erasure_requests"]),
        dg.AssetKey(["contact", "customer_identities"]),
        dg.AssetKey(["serving", "copy"]),
        dg.AssetKey(["serving", "report"]),
    ],
    group_name="rights",
    kinds={"python"},
    pool="duckdb_writer",
)
def erasures() -> dg.MaterializeResult[Any]:
    """Erase whoever asked for it, if REGULARS_ERASE_PENDING is `daily`; count them otherwise."""
    from orchestration.erasure.command import TooManyRequests
    from orchestration.erasure.daily import VARIABLE, erase_daily
    from orchestration.erasure.journal import ErasureIncomplete

    settings, step = read_settings(), "Erase who asked for it"
    reporter().begin(step)
    try:
        outcome = erase_daily(settings)
    except (ActivationError, ErasureIncomplete, TooManyRequests) as error:
        reporter().end(step, f"stopped: {error}")
        raise dg.Failure(str(error), allow_retries=False) from error
    waits = f"{outcome.pending} pending, {outcome.unclear} unclear"
    hint = f"; {VARIABLE} is not set" if outcome.status == "off" and outcome.pending else ""
    reporter().end(step, f"{outcome.erased} erased, {waits}{hint}")
    certificates = {
        name: dg.MetadataValue.path(str(settings.erasures / name)) for name in outcome.certificates
    }
    told = {name: value for name, value in asdict(outcome).items() if name != "certificates"}
    return dg.MaterializeResult(metadata={**told, **certificates})


@dg.definitions
def defs() -> dg.Definitions:
    """Return the asset."""
    return dg.Definitions(assets=[erasures])
