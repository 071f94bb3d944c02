"""Keep the note that says what a landing folder holds, and prepare the folder for a shop."""

import json
import shutil
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
Manifest = dict[str, Any]


class LandingError(ValueError):
    """A landing folder that holds something else than the shop that is to be written."""


def read(landing: Path) -> Manifest | None:
    """Return the manifest of a landing folder, None if there is none."""
    path = landing / MANIFEST
    return json.loads(path.read_text()) if path.exists() else None


def save(landing: Path, manifest: Manifest) -> None:
    """Write the manifest in one step."""
    draft = landing / f".{MANIFEST}.draft"
    draft.write_text(json.dumps(manifest, indent=2) + "\n")
    draft.replace(landing / MANIFEST)


def prepared(landing: Path, described: Manifest) -> Manifest | None:
    """Return the manifest if the folder completely holds the described shop.

    Otherwise empty the folder, note what is being written and return None. Raise LandingError
    for a folder with files that no sandbox wrote.
    """
    manifest = read(landing)
    if manifest is None and landing.exists() and any(landing.iterdir()):
        raise LandingError(
            f"{landing} holds files that no sandbox wrote. Choose another folder, or empty it."
        )
    is_same = manifest is not None and described.items() <= manifest.items()
    if manifest and is_same and manifest.get("is_complete"):
        return manifest
    shutil.rmtree(landing, ignore_errors=True)
    landing.mkdir(parents=True)
    save(landing, {**described, "is_complete": False})
    return None
