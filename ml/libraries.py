"""Load the libraries of this room ahead of time, for whoever has seconds to spare before a run."""

from importlib import import_module


def load_libraries() -> None:
    """Import what training, linking and storing need; they import it themselves when they run."""
    # skops looks through every loaded module when it is imported: the earlier, the quicker.
    for name in ("skops.io", "ml.recipes", "ml.linking.matching", "scipy.optimize"):
        import_module(name)
