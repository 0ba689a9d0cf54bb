"""What is to be said of a run: verdict, phases, pace, ETA. Computed here alone: API, sockets and CLI say the same."""
