"""The command line against a gateway somewhere else: its address, who is signed in to it, its API."""
