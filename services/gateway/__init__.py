"""The API's home, and the dispatcher: the one loop that turns ledger state into commands."""
