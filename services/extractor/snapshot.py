"""The run's snapshot: exported once, held as long as batches are read, taken up by every reading transaction."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.extractor.source_errors import STATEMENT_ERRORS, snapshot_error, source_error
from shared.core.errors import SnapshotLost, TransfuseError
from shared.postgres.identifiers import Identifier, literal
from shared.postgres.pools import Pool, Session, connect, end
from shared.postgres.sql_files import filled, load_sql
from shared.settings.addresses import PostgresAddress

SQL = load_sql("services.extractor", "snapshot.sql")
NAME = re.compile(r"[0-9A-Fa-f-]{5,63}")
BEAT_SECONDS = 20.0
"""How often a holder is asked, so that no timeout in between takes it for dead."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """An exported snapshot. A restarted server may give its name to another one: `digest` tells them apart."""

    name: str
    digest: str

    @classmethod
    def from_text(cls, text: str | None) -> Snapshot:
        """What `text` gave. Raises SnapshotLost for a run that has none."""
        name, _, digest = (text or "").partition(" ")
        if not NAME.fullmatch(name):
            raise SnapshotLost("the run has no snapshot")
        return cls(name=name, digest=digest)

    @property
    def text(self) -> str:
        """As the ledger keeps it."""
        return f"{self.name} {self.digest}"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot that this process holds, the moment it shows, and the transactions that it sees."""

    snapshot: Snapshot
    taken_at: datetime
    ids: str = ""


class SnapshotHolder:
    """Keeps one idle transaction per run open, so that its exported snapshot can be taken up by every reader.

    `beat` asks each of them, lets go of those whose run needs none any more, and reports the lost ones.
    """

    def __init__(self, legacy: PostgresAddress) -> None:
        self._legacy = legacy
        self._holders: dict[UUID, tuple[asyncpg.Connection, Held]] = {}

    async def take(self, run: UUID) -> Held:
        """Begin a transaction for the run and export its snapshot; one that the run had before is let go.

        Raises DatabaseUnreachable, ConnectionRefused or RunError.
        """
        self.release(run)
        connection = await connect(self._legacy, "legacy", HOLDING)
        try:
            await connection.transaction(isolation="repeatable_read", readonly=True).start()
            row = await connection.fetchrow(SQL["export"])
        except STATEMENT_ERRORS as error:
            connection.terminate()
            raise source_error(error, "exporting the snapshot") from error
        except asyncio.CancelledError:
            connection.terminate()
            raise
        held = Held(snapshot=Snapshot(name=row["name"], digest=row["digest"]), taken_at=row["taken_at"], ids=row["ids"])
        self._holders[run] = connection, held
        return held

    def held(self, run: UUID) -> Held | None:
        """The run's snapshot if this process holds it."""
        found = self._holders.get(run)
        return found[1] if found else None

    def release(self, run: UUID) -> None:
        """End the run's transaction; nothing happens when there is none."""
        found = self._holders.pop(run, None)
        if found:
            found[0].terminate()

    def close(self) -> None:
        """End every transaction."""
        for run in list(self._holders):
            self.release(run)

    async def beat(
        self,
        is_wanted: Callable[[UUID, Snapshot], Awaitable[bool]],
        on_lost: Callable[[UUID, Snapshot], Awaitable[None]],
    ) -> None:
        """Ask every holder once; to be called every `BEAT_SECONDS`. What another snapshot took the place of is let go.

        A ledger that is away changes nothing.
        """
        for run, (connection, held) in list(self._holders.items()):
            try:
                if not await is_wanted(run, held.snapshot):
                    self.release(run)
                elif not await answers(connection):
                    self.release(run)
                    await on_lost(run, held.snapshot)
            except TransfuseError:
                # The ledger is away: its own stages wait for it, and the next beat asks again.
                continue


HOLDING = Session(read_only=True, idle_in_transaction_seconds=0, command_seconds=30, statement_seconds=30)
"""The holder's session: idle for as long as the run lasts."""


async def answers(connection: asyncpg.Connection) -> bool:
    """Whether the holder's transaction is still there."""
    try:
        await connection.fetchval(SQL["beat"])
    except STATEMENT_ERRORS:
        return False
    return True


@asynccontextmanager
async def reading(
    pool: Pool, snapshot: Snapshot | None, schema: str, doing: str, *, patient: bool = False
) -> AsyncIterator[asyncpg.Connection]:
    """A read-only transaction that sees the snapshot (None: one of its own), with `schema` as search path.

    `patient` lets a statement take as long as it needs: one whose rows are fetched batch by batch. Raises SnapshotLost
    when the holder is gone, or the name belongs to another snapshot since a restart of the server; errors of statements
    come as errors of ours that name what was `doing`.
    """
    async with pool.acquire() as connection:
        transaction = connection.transaction(isolation="repeatable_read", readonly=True)
        try:
            await transaction.start()
            if snapshot is None:
                await connection.execute(filled(SQL["search_path"], schema=Identifier(schema)))
            else:
                await _adopt(connection, snapshot, schema, patient=patient)
            yield connection
        except asyncio.CancelledError:
            # The driver hangs when a COPY is cancelled at its last piece: such a connection is not asked anything more.
            end(connection)
            raise
        except STATEMENT_ERRORS as error:
            raise source_error(error, doing) from error
        finally:
            await _leave(connection, transaction)


async def _adopt(connection: asyncpg.Connection, snapshot: Snapshot, schema: str, *, patient: bool) -> None:
    try:
        await connection.execute(opening(snapshot, schema, patient=patient))
        digest = await connection.fetchval(SQL["digest"])
    except STATEMENT_ERRORS as error:
        raise snapshot_error(error) from error
    if digest != snapshot.digest:
        raise SnapshotLost("the name of the run's snapshot belongs to another one now")


def opening(snapshot: Snapshot, schema: str, *, patient: bool) -> str:
    """The first statements of a transaction under a snapshot."""
    statements = [
        filled(SQL["adopt"], snapshot=literal(snapshot.name)),
        filled(SQL["search_path"], schema=Identifier(schema)),
    ]
    return "\n".join([*statements, SQL["patience"]] if patient else statements)


async def _leave(connection: asyncpg.Connection, transaction: asyncpg.transaction.Transaction) -> None:
    """End the transaction; a connection that cannot is not used again."""
    try:
        await transaction.rollback()
    except STATEMENT_ERRORS:
        end(connection)
