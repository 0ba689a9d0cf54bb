"""Whole installations for tests: databases from templates, workspaces, the five processes, the command line."""
