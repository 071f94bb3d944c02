"""What `regulars records` does: gather, write two documents, say what is left to fill in."""

from datetime import UTC, datetime
from pathlib import Path

from orchestration.erasure.journal import write_whole
from orchestration.progress import reporter
from orchestration.project import manifest
from orchestration.records.assessment import write_assessment
from orchestration.records.facts import gather_facts
from orchestration.records.processing import OPEN, write_processing
from orchestration.settings import Settings
from orchestration.terminal import console

STEP = "Draw up the records"


def write_records(settings: Settings, folder: Path | None) -> tuple[Path, ...]:
    """Write both documents, into the state folder by default, and return where they are.

    A document that is there is replaced: what people add belongs into a copy of their own.
    """
    reporter().begin(STEP)
    facts, now = gather_facts(manifest()), f"{datetime.now(UTC):%Y-%m-%d}"
    target = folder or settings.home / "records"
    target.mkdir(parents=True, exist_ok=True)
    texts = {
        "processing.md": write_processing(facts, now),
        "impact-assessment.md": write_assessment(facts, now),
    }
    for name, text in texts.items():
        write_whole(target / name, text)
    reporter().end(STEP, f"{len(facts.personal)} tables, {len(facts.specs)} syncs")
    for name, text in texts.items():
        console.print(f"{target / name}: {text.count(OPEN)} places to fill in", soft_wrap=True)
    return tuple(target / name for name in texts)
