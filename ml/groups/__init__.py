"""Groups of customers who are alike: how many, by which rule, and under which name."""
