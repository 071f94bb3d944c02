"""Links between records by what they agree in: pairs, weights, vetoes and thresholds."""
