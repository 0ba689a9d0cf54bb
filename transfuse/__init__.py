"""Composition root: the command line and the embedded mode, the only place that knows all services."""
