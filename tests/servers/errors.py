class ServersMissingError(Exception):
    """A server that the tests need cannot be had; the text says what to do."""
