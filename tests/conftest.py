"""How tests are spread over processes: a file stays together, the long ones start first."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file in one process; end-to-end files that look at one state share theirs."""
    for item in items:
        if not any(item.iter_markers("xdist_group")):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
    items.sort(key=lambda item: "e2e" not in item.path.parts)
