"""Tokens that are refused before their time: the ledger knows them all, Redis answers while its list is whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from redis.asyncio import Redis

from shared.core.errors import RedisUnavailable, WorldError
from shared.identity.identity import Identity
from shared.ledger.revocations import Revocation, Revocations
from shared.redis.connection import RedisLink
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

LOADED_SECONDS = 30
"""How long Redis is believed after it was given the whole list. So long at most, what a gateway could not tell Redis
goes unnoticed by the others."""

LOADED = "loaded"
RAISE: Final = """
for i = 2, #ARGV, 2 do
    local known = redis.call('hget', KEYS[1], ARGV[i])
    if not known or tonumber(known) < tonumber(ARGV[i + 1]) then
        redis.call('hset', KEYS[1], ARGV[i], ARGV[i + 1])
    end
end
if ARGV[1] ~= '' then
    redis.call('hset', KEYS[1], 'loaded', ARGV[1])
    redis.call('expire', KEYS[1], tonumber(ARGV[1]))
elseif redis.call('ttl', KEYS[1]) < 0 then
    redis.call('expire', KEYS[1], 30)
end
return 1
"""
"""Adds entries, never lowers one, so that an older list written late takes nothing back. One key holds the list and
the mark that it is whole: Redis loses both or neither."""


class DenyList:
    """Sign-outs. A revocation is in the ledger before anything else happens, and counts here from that moment.

    Redis is asked first. Where it lacks the mark that the list is whole (it was emptied, or 30 s have passed), or does
    not answer, the ledger is asked, and Redis is given the list anew.
    """

    def __init__(
        self,
        revocations: Revocations,
        redis: RedisLink,
        *,
        prefix: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._revocations = revocations
        self._redis = redis
        self._prefix = prefix
        self._clock = clock
        self._key = ""
        self._distrusted_until = float("-inf")
        self._loading = False

    async def denies(self, identity: Identity) -> bool:
        """Whether a token of this identity is refused. Raises WorldError where the ledger is needed and away."""
        if self._redis.configured and self._clock() >= self._distrusted_until:
            try:
                known = await self._known_to_redis(identity)
            except RedisUnavailable:
                known = None
            if known is not None:
                return known
            await self._load()
        return await self._revocations.holds(identity.session, identity.subject, identity.issued_at)

    async def revoke(self, identity: Identity, until: datetime, *, everywhere: bool = False) -> None:
        """Refuse the tokens of one sign-in that expire before `until`; all that were given up to now, `everywhere`.

        A token that names no sign-in is refused with all others of its subject. Idempotent. Raises WorldError.
        """
        added = []
        if identity.session:
            added.append(await self._revocations.add_session(identity.session, until))
        if everywhere or not identity.session:
            added.append(await self._revocations.add_subject(identity.subject, until))
        await self.told(added)

    async def told(self, revocations: Iterable[Revocation]) -> None:
        """Tell Redis of revocations that are in the ledger already; what it misses, the ledger answers meanwhile."""
        given = list(revocations)
        if not given or not self._redis.configured:
            return
        try:
            await self._raise("", given)
        except WorldError as error:
            # It may still hold the mark of a list without these: it is not asked until the mark has gone.
            self._distrusted_until = self._clock() + 2 * LOADED_SECONDS
            log.warning("a revocation could not be told to Redis", system="redis", error=error)

    async def _known_to_redis(self, identity: Identity) -> bool | None:
        """Redis's answer; None where its list is not whole."""
        key = await self._place()
        fields = [LOADED, _of_subject(identity.subject), *([_of_session(identity.session)] if identity.session else [])]

        async def question(client: Redis) -> list[bytes | str | None]:
            found: list[bytes | str | None] = await client.hmget(key, fields)
            return found

        loaded, cutoff, *session = await self._redis.ask(question)
        if loaded is None:
            return None
        return any(session) or (cutoff is not None and identity.issued_at.timestamp() <= float(cutoff))

    async def _load(self) -> None:
        """Give Redis the whole list, one request at a time; whoever finds it being loaded asks the ledger alone."""
        if self._loading or not self._redis.available:
            return
        self._loading = True
        try:
            await self._raise(str(LOADED_SECONDS), await self._revocations.current())
        except RedisUnavailable:
            return
        finally:
            self._loading = False

    async def _raise(self, loaded: str, given: list[Revocation]) -> None:
        key = await self._place()
        fields = [text for revocation in given for text in _field(revocation)]

        async def question(client: Redis) -> object:
            return await client.eval(RAISE, 1, key, loaded, *fields)

        await self._redis.ask(question)

    async def _place(self) -> str:
        """One key per installation: two that share a Redis never take each other's mark for their own."""
        if not self._key:
            self._key = f"{self._prefix}:denied:{await self._revocations.installation()}"
        return self._key


def until(seconds: float) -> datetime:
    """The time so many seconds from now."""
    return datetime.fromtimestamp(time.time() + seconds, UTC)


def _field(revocation: Revocation) -> tuple[str, str]:
    if revocation.subject is not None and revocation.cutoff is not None:
        return _of_subject(revocation.subject), repr(revocation.cutoff.timestamp())
    return _of_session(revocation.session or ""), "1"


def _of_session(session: str) -> str:
    return f"session:{session}"


def _of_subject(subject: UUID) -> str:
    return f"subject:{subject}"
