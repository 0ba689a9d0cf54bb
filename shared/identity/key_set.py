"""The public keys of a JWKS address: fetched rarely, kept when the address is away, only signature keys of ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from shared.core.errors import WorldError
from shared.identity.identity import TokenRefused
from shared.identity.keys import VerificationKey
from shared.settings.secret import Secret
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

FRESH_SECONDS = 600.0
"""How long a set is used without asking again."""
PAUSE_SECONDS = 30.0
"""The least time between two fetches for a key that is not in the set, and after a fetch that failed."""
FIRST_PAUSE_SECONDS = 2.0
"""The same after a failed fetch while there is no set at all."""
FETCH_SECONDS = 4.0
MOST_BYTES = 64 * 1024
MOST_KEYS = 32
LONGEST_KID = 200
_LEAST_RSA_BITS = 2048


class KeysUnavailable(WorldError):
    """The public keys were never fetched, and cannot be now."""

    code = "keys_unavailable"
    remedy = "Bring the address of JWKS_URL back, or correct SUPABASE_URL and JWKS_URL; nobody is let in meanwhile."


class _Answer(msgspec.Struct):
    keys: list[dict[str, Any]]


class KeySet:
    """Keys by their `kid`. One fetch at a time; a set that is old is used while one request fetches the next.

    Rotation: a token of an unknown key makes one fetch, at most every 30 s however many come. A fetch that fails
    changes nothing: the last good set stays.
    """

    def __init__(
        self, url: Secret, session: aiohttp.ClientSession, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._session = session
        self._clock = clock
        self._lock = asyncio.Lock()
        self._keys: Mapping[str, VerificationKey] | None = None
        self._fetch_after = float("-inf")
        self._unknown_after = float("-inf")

    async def find(self, kid: str) -> VerificationKey:
        """The key. Raises TokenRefused for a key that is not in the set, KeysUnavailable without a set."""
        if not kid or len(kid) > LONGEST_KID:
            raise TokenRefused("a token names no key", code="unknown_key")
        keys = await self._current()
        if kid not in keys:
            keys = await self._after_unknown(kid, keys)
        if kid not in keys:
            raise TokenRefused("a token names a key that is not in the set", code="unknown_key")
        return keys[kid]

    async def _current(self) -> Mapping[str, VerificationKey]:
        if self._keys is None or (self._is_due() and not self._lock.locked()):
            async with self._lock:
                if self._is_due():
                    await self._fetch()
        if self._keys is None:
            raise KeysUnavailable("The public keys that tokens are verified with cannot be fetched.")
        return self._keys

    def _is_due(self) -> bool:
        return self._clock() >= self._fetch_after

    async def _after_unknown(self, kid: str, seen: Mapping[str, VerificationKey]) -> Mapping[str, VerificationKey]:
        async with self._lock:
            if self._keys is seen and kid not in seen and self._clock() >= self._unknown_after:
                self._unknown_after = self._clock() + PAUSE_SECONDS
                await self._fetch()
        return self._keys or seen

    async def _fetch(self) -> None:
        self._fetch_after = self._clock() + (FIRST_PAUSE_SECONDS if self._keys is None else PAUSE_SECONDS)
        try:
            self._keys = usable(msgspec.json.decode(await self._read(), type=_Answer).keys)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, msgspec.MsgspecError) as error:
            # An address that cannot be asked must not lock everybody out: its keys stay as they were.
            log.warning("public keys cannot be fetched", system="jwks", error=error)
        else:
            self._fetch_after = self._clock() + FRESH_SECONDS
            log.info("public keys fetched", system="jwks", count=len(self._keys))

    async def _read(self) -> bytes:
        content = bytearray()
        async with self._session.get(self._url.reveal(), allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError("the address answers with another status than 200")
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise ValueError("the answer is too large")
        return bytes(content)


def usable(found: list[dict[str, Any]]) -> dict[str, VerificationKey]:
    """Of a JWKS the public keys for ES256 and RS256 signatures, by `kid`; the others are passed over."""
    keys = ((key.get("kid"), _verification_key(key)) for key in found[:MOST_KEYS])
    return {kid: key for kid, key in keys if isinstance(kid, str) and kid and key is not None}


def _verification_key(jwk: dict[str, Any]) -> VerificationKey | None:
    algorithm = {("EC", "P-256"): "ES256", ("RSA", None): "RS256"}.get((str(jwk.get("kty")), jwk.get("crv")))
    operations = jwk.get("key_ops", ["verify"])
    if (
        algorithm is None
        or jwk.get("alg", algorithm) != algorithm
        or jwk.get("use", "sig") != "sig"
        or not isinstance(operations, list)
        or "verify" not in operations
    ):
        return None
    public: dict[str, Any] = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
    try:
        key = jwt.PyJWK(public, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
        return None
    return VerificationKey(algorithm, key) if isinstance(key, EllipticCurvePublicKey | RSAPublicKey) else None


@asynccontextmanager
async def open_key_set(url: Secret, *, clock: Callable[[], float] = time.monotonic) -> AsyncIterator[KeySet]:
    """The keys of an address; nothing is fetched before the first token."""
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield KeySet(url, session, clock=clock)
