"""Write a file to an SFTP server in a process that can be killed; the environment says where."""

import os
import sys
from pathlib import Path

from activation.destinations import settings_for
from activation.syncs import run_sync
from orchestration.warehouse import Warehouse
from tests.activation.test_file_drop import SCORES
from tests.activation.world import AS_OF, KEYS

if __name__ == "__main__":
    with Warehouse(Path(sys.argv[1])).connect() as connection:
        settings = settings_for("file_drop", os.environ)
        run_sync(connection, SCORES, settings, as_of=AS_OF, keys=KEYS)
