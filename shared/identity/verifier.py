"""Verifies tokens, for REST and sockets alike: signature and claims first, then the deny list, every time."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum

from shared.identity.claims import LEEWAY_SECONDS, key_id, verified_identity
from shared.identity.deny_list import DenyList
from shared.identity.identity import Identity, TokenRefused
from shared.identity.key_set import open_key_set
from shared.identity.keys import Keys, NoKeys, SecretKeys
from shared.ledger.revocations import Revocations
from shared.postgres.pools import Pool
from shared.redis.connection import RedisLink
from shared.settings.secret import Secret
from shared.settings.service import IdentitySettings
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

LOCAL_ISSUER = "transfuse"
KEPT_SECONDS = 60.0
MOST_KEPT = 4096


class Authentication(StrEnum):
    """Where people sign in."""

    LOCAL = "local"
    SUPABASE = "supabase"


def authentication_of(settings: IdentitySettings) -> Authentication:
    """Supabase where its address is set, else the accounts of the ledger."""
    return Authentication.LOCAL if settings.supabase_url is None else Authentication.SUPABASE


def issuer_of(settings: IdentitySettings) -> str:
    """Who must have issued a token."""
    if settings.jwt_issuer:
        return settings.jwt_issuer
    return LOCAL_ISSUER if settings.supabase_url is None else _under(settings.supabase_url, "/auth/v1")


class Verifier:
    """A `TokenVerifier`. What was verified is remembered up to 60 s, by the token's SHA-256; the deny list never is."""

    def __init__(
        self,
        keys: Keys,
        deny_list: DenyList,
        *,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.deny_list = deny_list
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[Identity, float]] = OrderedDict()

    async def verify(self, token: str) -> Identity:
        """The identity. Raises TokenRefused, and WorldError where the keys or the deny list cannot be had at all."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        identity = self._remembered(digest)
        if identity is None:
            key = await self._keys.find(key_id(token))
            identity = verified_identity(token, key, issuer=self._issuer, audience=self._audience)
            self._remember(digest, identity)
        if await self.deny_list.denies(identity):
            raise TokenRefused("a token was revoked", code="revoked")
        return identity

    def _remembered(self, digest: bytes) -> Identity | None:
        identity, until = self._kept.get(digest, (None, 0.0))
        return identity if self._clock() < until else None

    def _remember(self, digest: bytes, identity: Identity) -> None:
        until = min(self._clock() + KEPT_SECONDS, identity.expires_at.timestamp() + LEEWAY_SECONDS)
        self._kept[digest] = (identity, until)
        self._kept.move_to_end(digest)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


@asynccontextmanager
async def open_verifier(settings: IdentitySettings, ledger: Pool, redis: RedisLink) -> AsyncIterator[Verifier]:
    """The verifier that the settings ask for. Raises Refused (`short_secret`) for a secret that HS256 does not allow.

    With `supabase_url`: `jwks_url`, else `jwt_secret`, else Supabase's own address of keys. Without: `jwt_secret`.
    """
    deny_list = DenyList(Revocations(ledger), redis, prefix=settings.bus_prefix)
    async with _open_keys(settings) as keys:
        yield Verifier(keys, deny_list, issuer=issuer_of(settings), audience=settings.jwt_audience)


@asynccontextmanager
async def _open_keys(settings: IdentitySettings) -> AsyncIterator[Keys]:
    supabase = settings.supabase_url
    if supabase is not None and (settings.jwks_url is not None or settings.jwt_secret is None):
        own = Secret(_under(supabase, "/auth/v1/.well-known/jwks.json"))
        async with open_key_set(settings.jwks_url or own) as keys:
            yield keys
    elif settings.jwt_secret is not None:
        yield SecretKeys(settings.jwt_secret)
    else:
        log.warning("neither SUPABASE_URL nor JWT_SECRET is set: nobody can sign in")
        yield NoKeys()


def _under(url: Secret, path: str) -> str:
    return url.reveal().rstrip("/") + path
