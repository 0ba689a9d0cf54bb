"""What tokens are verified with: a key and the one algorithm it is for, found in our own records."""

from __future__ import annotations

from typing import Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from shared.core.errors import Refused
from shared.identity.identity import TokenRefused
from shared.settings.secret import Secret

SHORTEST_SECRET_BYTES = 32
"""HS256 under a shorter secret can be searched for offline (RFC 7518, 3.2)."""


class VerificationKey(msgspec.Struct, frozen=True):
    """One key with its algorithm. The algorithm is the record's, whatever a token says."""

    algorithm: str
    key: EllipticCurvePublicKey | RSAPublicKey | Secret

    @property
    def material(self) -> EllipticCurvePublicKey | RSAPublicKey | str:
        """What the signature is checked with."""
        return self.key.reveal() if isinstance(self.key, Secret) else self.key


class Keys(Protocol):
    """Where the key of a token comes from."""

    async def find(self, kid: str) -> VerificationKey:
        """The key that a token names; `kid` is empty where it names none.

        Raises TokenRefused for a key that is not ours, WorldError where none can be had at all.
        """
        ...


class SecretKeys:
    """One secret, HS256: what a token says about its key is not looked at. Raises Refused for a short secret."""

    def __init__(self, secret: Secret) -> None:
        if len(secret.reveal().encode()) < SHORTEST_SECRET_BYTES:
            raise Refused(
                f"JWT_SECRET has fewer than {SHORTEST_SECRET_BYTES} bytes.",
                remedy="Set JWT_SECRET to the output of `openssl rand -base64 48`.",
                code="short_secret",
            )
        self._key = VerificationKey("HS256", secret)

    async def find(self, kid: str) -> VerificationKey:
        """The secret, whatever is named."""
        del kid
        return self._key


class NoKeys:
    """Nothing signs tokens here: every one is refused."""

    async def find(self, kid: str) -> VerificationKey:
        """Raises TokenRefused."""
        del kid
        raise TokenRefused("nothing is set that verifies tokens", code="no_keys")
