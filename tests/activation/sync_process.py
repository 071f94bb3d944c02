"""Run the push sync of a world in a process of its own, so that a test can kill it."""

import sys
from pathlib import Path

from activation.destinations import settings_for
from activation.syncs import run_sync
from orchestration.warehouse import Warehouse
from tests.activation.world import AS_OF, EASY_FCM, KEYS


def main(database: str, base_url: str) -> None:
    """Run the sync once."""
    settings = settings_for(
        "fcm",
        {
            "REGULARS_FCM_ACCESS_TOKEN": "secret",
            "REGULARS_FCM_PROJECT_ID": "project",
            "REGULARS_FCM_BASE_URL": base_url,
        },
    )
    with Warehouse(Path(database)).connect() as connection:
        run_sync(connection, EASY_FCM, settings, as_of=AS_OF, keys=KEYS)


if __name__ == "__main__":
    main(*sys.argv[1:])
