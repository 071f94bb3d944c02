"""Points cards of leads: the facts behind them, their windows, half-lives and the hand-over."""
