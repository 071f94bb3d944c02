"""How tests are spread over processes: a file stays together, the long ones start first."""

import pytest

LONGEST = ("test_audiences.py", "test_shops.py", "test_runs.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start what takes minutes first, so that no process is left alone with it at the end."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONGEST)))
