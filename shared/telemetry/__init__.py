"""What a process says about itself: JSON lines and metrics. Names, counts and sizes, never a value."""
