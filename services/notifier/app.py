"""Wires the notifier: the ledger's pool to read, the rooms, the sockets, one service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.notifier.bus_events import BusEvents
from services.notifier.handlers import Reception
from services.notifier.limits import SocketLimits
from services.notifier.migration_rooms import MigrationRooms
from services.notifier.session_watch import SessionWatch
from services.notifier.sessions import Sessions, SocketSession
from services.notifier.settings import NotifierSettings
from services.notifier.socket_app import make_application
from services.notifier.socket_server import SocketDoor, SocketVoice, make_server
from services.notifier.statuses import Statuses
from services.notifier.system_room import SystemRoom
from shared.bus.port import Bus
from shared.identity.verifier import Verifier, open_verifier
from shared.ledger.current_runs import CurrentRuns
from shared.ledger.figures import Figures
from shared.ledger.progress import Progress
from shared.ledger.register import Register
from shared.postgres.pools import Pool, Session, open_pool
from shared.redis.connection import RedisLink, open_redis
from shared.redis.snapshots import KeptSnapshots
from shared.runtime.heartbeat import heartbeat
from shared.runtime.listener import Listener
from shared.runtime.mount import Mount
from shared.runtime.service import Loop, Part, Service
from shared.runtime.world import Probe
from shared.status.board import HealthBoard

LEDGER = Session(statement_seconds=30, command_seconds=45, read_only=True)
CONNECTIONS = 10


@asynccontextmanager
async def build(
    settings: NotifierSettings, bus: Bus, *, mount: Mount | None = None, limits: SocketLimits | None = None
) -> AsyncIterator[Service]:
    """The service. Sockets are at `mount` where it is given, at a port of their own where the settings name one."""
    async with (
        open_pool(settings.ledger, "ledger", LEDGER, most=CONNECTIONS) as pool,
        open_redis(settings.redis) as redis,
    ):
        probes: dict[str, Probe] = {"ledger": pool.probe, "bus": bus.probe}
        beat = heartbeat("notifier", bus, probes=probes | ({"redis": redis.probe} if redis.configured else {}))
        async with _sockets(settings, bus, pool, redis, mount=mount, limits=limits or SocketLimits()) as parts:
            yield Service(
                "notifier",
                [*parts, beat],
                probes=probes,
                host=settings.listen_host,
                port=settings.port,
                drain_seconds=settings.drain_seconds,
            )


@asynccontextmanager
async def _sockets(
    settings: NotifierSettings,
    bus: Bus,
    pool: Pool,
    redis: RedisLink,
    *,
    mount: Mount | None,
    limits: SocketLimits,
) -> AsyncIterator[Sequence[Part]]:
    """The parts that serve sockets; none where there is no place for them."""
    if mount is None and settings.socket_port is None:
        yield ()
        return
    async with open_verifier(settings, pool, redis) as verifier:
        parts, door = _parts(settings, bus, pool, redis, verifier, limits)
        if mount is not None:
            mount.take(door.answer, door.close)
        if settings.socket_port is not None:
            app = make_application(door, settings.environment)
            parts.append(Listener("sockets", app, host=settings.socket_host, port=settings.socket_port))
        try:
            yield parts
        finally:
            await door.close()


def _parts(
    settings: NotifierSettings, bus: Bus, pool: Pool, redis: RedisLink, verifier: Verifier, limits: SocketLimits
) -> tuple[list[Part], SocketDoor]:
    server, board = make_server(limits), HealthBoard()
    voice = SocketVoice(server)
    kept = KeptSnapshots(redis, prefix=settings.bus_prefix)
    migrations = MigrationRooms(Statuses(Progress(pool), Register(pool), kept, board), CurrentRuns(pool), voice)
    system = SystemRoom(Figures(pool), board, voice, redis=redis.probe, bus=bus.probe, depth=bus.depth)

    async def left(session: SocketSession) -> None:
        await migrations.leave_all(session)
        await system.leave(session)

    sessions = Sessions(server, verifier, limits, left)
    Reception(server, sessions, migrations, system)
    parts: list[Part] = [
        Loop("bus events", BusEvents(bus, migrations.touch, board).run),
        Loop("migration rooms", migrations.run),
        Loop("system room", system.run),
        Loop("socket sessions", SessionWatch(sessions, verifier.deny_list, limits).run),
    ]
    return parts, SocketDoor(server, settings.cors_origins, limits)
