"""Full-size measurements: `python -m bench`."""
