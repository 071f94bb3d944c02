"""Predictions: frames in, frames out. Imports no orchestrator, opens no connection."""
