"""One file per resource: its handlers and its part of the table of endpoints."""
