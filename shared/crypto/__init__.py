"""Sealing: the keyring that wraps data keys, the envelope of every body, and what a seal is bound to."""
