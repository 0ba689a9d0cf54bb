"""The connection to Redis: short timeouts, and a breaker so that a dead Redis costs nothing per request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from shared.core.errors import RedisUnavailable, RunError
from shared.settings.secret import Secret
from shared.telemetry.logging import get_logger

if TYPE_CHECKING:
    from fakeredis import FakeServer

log = get_logger(__name__)

T = TypeVar("T")

SECONDS = 0.5
"""The longest that one question may take, connecting included."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 15.0
CONNECTIONS = 32
IN_PROCESS = "memory://"


class RedisLink:
    """Redis as the services use it: every question passes through `ask`, which never waits long.

    After a failure nothing is asked for a pause that doubles up to 15 s: `ask` raises at once. Then one question is
    let through; the others go on being refused until it has an answer. Make it with `open_redis`.
    """

    def __init__(self, client: Redis | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._closed_until = 0.0
        self._pause = 0.0
        self._trying = False

    @property
    def configured(self) -> bool:
        """Whether there is a Redis at all."""
        return self._client is not None

    @property
    def available(self) -> bool:
        """Whether a question would be asked now."""
        return self._client is not None and not self._trying and self._clock() >= self._closed_until

    async def ask(self, question: Callable[[Redis], Awaitable[T]]) -> T:
        """The answer of `question`, given the client. Raises RedisUnavailable; never the driver's own errors."""
        client = self._client
        if client is None or not self.available:
            raise RedisUnavailable("Redis is not asked now")
        self._trying = self._pause > 0
        try:
            async with asyncio.timeout(SECONDS):
                answer = await question(client)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            raise RedisUnavailable("Redis does not answer") from error
        finally:
            self._trying = False
        if self._pause:
            self._pause = 0.0
            log.info("a system answers again", system="redis")
        return answer

    async def probe(self) -> None:
        """Return when Redis answers. Raises RedisUnavailable, during a pause without asking."""
        await self.ask(_ping)

    def _failed(self, error: Exception) -> None:
        if not self._pause:
            log.warning("a system does not answer", system="redis", error=error)
        if self._clock() >= self._closed_until:  # questions that were under way together count once
            self._pause = min(max(self._pause * 2, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
            self._closed_until = self._clock() + self._pause


@asynccontextmanager
async def open_redis(setting: Secret | None) -> AsyncIterator[RedisLink]:
    """A link to the Redis of REDIS_URL, closed at the end; nothing is connected yet, and None gives a link without one.

    `memory://name` is a Redis within this process, the same for all who give the same name; it needs the extra
    `embedded`. Raises RunError without it.
    """
    client = None if setting is None else _client(setting.reveal())
    try:
        yield RedisLink(client)
    finally:
        if client is not None:
            await client.aclose()


def _client(url: str) -> Redis:
    if url.startswith(IN_PROCESS):
        return _in_process(url.removeprefix(IN_PROCESS))
    pool = BlockingConnectionPool.from_url(  # more questions than connections wait, they do not fail
        url,
        timeout=SECONDS,
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        socket_keepalive=True,
        max_connections=CONNECTIONS,
        retry=Retry(NoBackoff(), 1),
        client_name="transfuse",
    )
    return Redis.from_pool(pool)


_servers: dict[str, FakeServer] = {}


def _in_process(name: str) -> Redis:
    try:
        from fakeredis import FakeAsyncRedis, FakeServer  # noqa: PLC0415 - of an extra that a server does not need
    except ImportError as error:
        raise RunError(
            "REDIS_URL asks for a Redis in this process, and the package fakeredis is not installed",
            remedy="Install Transfuse with its extra `embedded`, or name a running Redis.",
        ) from error
    client: Redis = FakeAsyncRedis(server=_servers.setdefault(name, FakeServer()))
    return client


async def _ping(client: Redis) -> Any:  # noqa: ANN401 - what the driver gives
    return await client.ping()
