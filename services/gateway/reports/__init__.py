"""The report of a run: what it came to and how that is known, for people who have to sign it."""
