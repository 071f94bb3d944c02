"""Find the key that the ledger's digests are made with."""

import os
import secrets

from activation.digests import FORMER_KEY_VARIABLE, KEY_VARIABLE, DigestKey, DigestKeys
from orchestration.settings import InvalidSetting, Settings
from orchestration.worlds import read_world

_SHORTEST = 16


def read_keys(settings: Settings) -> DigestKeys:
    """Return the keys of the environment; a demo's state has one of its own in a file.

    Raises InvalidSetting when real accounts have no key, or one that could be guessed.
    """
    former = settings.variables.get(FORMER_KEY_VARIABLE)
    return DigestKeys(
        DigestKey(_checked(settings.variables.get(KEY_VARIABLE) or _kept(settings))),
        DigestKey(former) if former else None,
    )


def _checked(secret: str) -> str:
    if len(secret) < _SHORTEST:
        msg = f"{KEY_VARIABLE} is too short. Give {_SHORTEST} random characters or more."
        raise InvalidSetting(msg)
    return secret


def _kept(settings: Settings) -> str:
    path = settings.ledger_key
    if not path.exists():
        if read_world(settings) is None:
            msg = (
                f"{KEY_VARIABLE} is not set. Set it to {_SHORTEST} random characters or more and "
                "keep them: with another key every row is sent again."
            )
            raise InvalidSetting(msg)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32) + os.linesep)
    return path.read_text().strip()
