"""What Dagster runs; one module per kind of work."""
