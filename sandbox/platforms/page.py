"""One plain page that shows which audience holds whom, and what was asked last."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.platforms.vendor import Json, Vendor


def render_page(
    shown: Sequence[tuple[Vendor, Sequence[tuple[Json, Sequence[Json]]]]],
    requests: Sequence[Json],
    summary: Json,
) -> str:
    """Return the page as HTML."""
    return "<!doctype html><title>Platforms</title>"
