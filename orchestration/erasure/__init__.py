"""Erase a person from everything the platform keeps, and prove it."""
