"""Executes the compiled plan: a batch of source rows becomes target rows."""
