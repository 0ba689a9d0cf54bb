"""What an operator sees in the terminal: progress while a run moves, its balance at its end. Counts and names only."""
