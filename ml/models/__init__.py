"""One file per prediction."""
