"""Folds events into a snapshot per run."""
