"""How often somebody may ask: the figures in `policy`, the counting in `gcra`, what counts for whom in `requests`."""
