"""Redis: shared state that may be lost at any moment, asked in one place so that a dead one costs nothing."""
