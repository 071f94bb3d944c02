"""The command `regulars`: see it work, look before sending, send, and ask why."""

from orchestration.cli.main import run

__all__ = ["run"]
