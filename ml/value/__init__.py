"""Orders and margin to come: the models over rhythm and spending, their windows and report."""
