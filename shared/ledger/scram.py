"""Passwords as the server keeps them, so that no statement and no server log ever holds the password itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

_ITERATIONS = 4096
_SALT_BYTES = 16


def scram_verifier(password: str, *, salt: bytes | None = None, iterations: int = _ITERATIONS) -> str:
    """SCRAM-SHA-256 verifier (RFC 5803) for `alter role … password`. ASCII passwords only, which need no SASLprep.

    Raises ValueError for an empty password or other characters.
    """
    if not password or not password.isascii() or not password.isprintable():
        raise ValueError("a role's password must be printable ASCII and not empty")
    salt = os.urandom(_SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(_sign(salted, b"Client Key")).digest()
    server = _sign(salted, b"Server Key")
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _sign(key: bytes, words: bytes) -> bytes:
    return hmac.new(key, words, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
