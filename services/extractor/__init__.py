"""Plans a run, holds its snapshot and reads one batch per command."""
