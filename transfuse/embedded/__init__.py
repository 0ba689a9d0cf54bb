"""Parts of the embedded mode that need no installation: PostgreSQL from a Python package."""
