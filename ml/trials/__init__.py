"""Randomised experiments: who was drawn, whom a contact moves, and what choosing is worth."""
