"""The ledger's key comes from the environment; only a demo's state makes one of its own."""

import pytest

from orchestration.ledger_keys import read_keys
from orchestration.settings import InvalidSetting, read_settings
from orchestration.worlds import World, enter


def settings_with(tmp_path, **variables):
    """Return the settings of a state folder."""
    return read_settings({"REGULARS_HOME": str(tmp_path / "home"), **variables})


def test_a_demo_keeps_a_key_of_its_own(tmp_path):
    """Made once, readable by its owner alone, and the same ever after."""
    settings = settings_with(tmp_path)
    enter(settings, World("simulated", "tiny", 1))

    first, second = read_keys(settings), read_keys(settings)

    assert first == second
    assert len(first.current.secret) == 64
    assert settings.ledger_key.stat().st_mode & 0o777 == 0o600


def test_real_accounts_need_a_key(tmp_path):
    """Nothing is made up for them: a key that is lost sends everybody again."""
    with pytest.raises(InvalidSetting, match="REGULARS_LEDGER_KEY is not set"):
        read_keys(settings_with(tmp_path))


def test_a_key_that_can_be_guessed_is_refused(tmp_path):
    """Short ones are tried out in no time; the message does not repeat it."""
    with pytest.raises(InvalidSetting, match="too short") as refused:
        read_keys(settings_with(tmp_path, REGULARS_LEDGER_KEY="secret"))

    assert "secret" not in str(refused.value)


def test_keys_of_the_environment_are_used_and_not_shown(tmp_path):
    """The one before is there for as long as rows are digested with it."""
    keys = read_keys(
        settings_with(
            tmp_path,
            REGULARS_LEDGER_KEY="the key of this year",
            REGULARS_LEDGER_FORMER_KEY="the key of last year",
        )
    )

    assert (keys.current.secret, keys.former.secret) == (
        "the key of this year",
        "the key of last year",
    )
    assert "key of" not in repr(keys)
    assert keys.current.identifier != keys.former.identifier
