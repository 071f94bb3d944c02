"""How long each kind of data is kept: clocks from the dbt project, counted, enforced, reported."""
