"""What clients may ask for, and how they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import msgspec
import socketio

from services.notifier.migration_rooms import MigrationRooms
from services.notifier.refusal import Acknowledged, Refusal, SocketRefused, refusal_of
from services.notifier.sessions import Sessions, SocketSession
from services.notifier.socket_events import SocketEvent, check_table
from services.notifier.system_room import SystemRoom
from shared.core.document import Document
from shared.core.errors import Refused, WorldError
from shared.identity.permissions import Permission
from shared.telemetry.logging import get_logger

log = get_logger(__name__)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a client. `arguments` are what it sent along, whatever they are."""

    session: SocketSession
    arguments: tuple[object, ...]
    migrations: MigrationRooms
    system: SystemRoom


async def subscribe_migration(asked: Asked) -> None:
    session, migration = asked.session, _migration(asked)
    if len(session.rooms) >= session.connection.limits.rooms_per_connection:
        raise SocketRefused("This connection follows too much already.", code="too_many_rooms")
    await asked.migrations.join(migration, session)


async def unsubscribe_migration(asked: Asked) -> None:
    await asked.migrations.leave(_migration(asked), asked.session)


async def subscribe_system(asked: Asked) -> None:
    await asked.system.join(asked.session)


async def unsubscribe_system(asked: Asked) -> None:
    await asked.system.leave(asked.session)


EVENTS = (
    SocketEvent(name="migration:subscribe", permission=Permission.MIGRATION_READ, handler=subscribe_migration),
    SocketEvent(name="migration:unsubscribe", permission=Permission.MIGRATION_READ, handler=unsubscribe_migration),
    SocketEvent(name="system:subscribe", permission=Permission.HEALTH_READ, handler=subscribe_system),
    SocketEvent(name="system:unsubscribe", permission=Permission.HEALTH_READ, handler=unsubscribe_system),
)


class Reception:
    """Takes every event of the table: its rate, its permission, its handler, one acknowledgement."""

    def __init__(
        self,
        server: socketio.AsyncServer,
        sessions: Sessions,
        migrations: MigrationRooms,
        system: SystemRoom,
        events: Sequence[SocketEvent] = EVENTS,
    ) -> None:
        check_table(events)
        self._sessions = sessions
        self._migrations = migrations
        self._system = system
        for event in events:
            server.on(event.name, self._taking(event))

    def _taking(self, event: SocketEvent) -> Callable[..., Awaitable[Document]]:
        async def take(sid: str, *arguments: object) -> Document:
            session = self._sessions.find(sid)
            if session is None:
                return refusal_of(SocketRefused("This connection has ended.", code="not_signed_in"))
            if not session.events.take():
                return await self._slow_down(session)
            asked = Asked(session=session, arguments=arguments, migrations=self._migrations, system=self._system)
            return await self._answer(event, asked)

        return take

    async def _answer(self, event: SocketEvent, asked: Asked) -> Document:
        if not asked.session.identity.may(event.permission):
            return refusal_of(SocketRefused("This account may not do that.", code="forbidden"))
        try:
            async with asyncio.timeout(asked.session.connection.limits.answer):
                await event.handler(asked)
        except SocketRefused as error:
            return refusal_of(error)
        except (WorldError, TimeoutError) as error:
            log.warning("an event of a client waits for the world", error=error)
            return refusal_of(SocketRefused("This cannot be answered now; try again.", code="unavailable"))
        except Refused as error:
            return refusal_of(error)
        except Exception as error:  # noqa: BLE001 - the last place that can tell it without a driver's text
            log.error("an event of a client failed", error=error)
            return refusal_of(SocketRefused("Something went wrong here.", code="internal"))
        return Acknowledged()

    async def _slow_down(self, session: SocketSession) -> Refusal:
        if not session.refusals.take():
            await self._sessions.drop(session, "too_many_requests")
        return refusal_of(SocketRefused("Too many events; send fewer.", code="too_many_requests"))


def _migration(asked: Asked) -> UUID:
    if len(asked.arguments) == 1 and isinstance(asked.arguments[0], str):
        try:
            return UUID(asked.arguments[0])
        except ValueError:
            pass
    raise SocketRefused("The event takes the id of a migration.", code="bad_request")
