"""Sealed bodies that are too large for a message: kept in the ledger until their batch is settled."""

from __future__ import annotations

from uuid import UUID, uuid5

import asyncpg

from shared.core.ids import BatchRef
from shared.core.states import Stage
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "bodies.sql")
MESSAGE_BODY_BYTES = 8 * 1024 * 1024
"""Sealed bytes that a message carries by itself, at most."""
BODY_STAGES = (Stage.TRANSFORM, Stage.LOAD, Stage.EXTRACT)
"""Stages that read a body; under the last one the extractor keeps keys for a comparison."""


def body_id(batch: BatchRef, stage: Stage) -> UUID:
    """The id of the body that a stage reads: the same whoever keeps it, so that a batch that comes twice has one."""
    return uuid5(batch.run, f"{batch.mapping}:{batch.pass_number}:{batch.seq}:{batch.generation}:{stage.value}")


async def keep_body(connection: asyncpg.Connection, batch: BatchRef, stage: Stage, body: bytes) -> UUID:
    """Keep a sealed body for the stage that reads it; one that is there already stays, for it holds the same rows."""
    kept = body_id(batch, stage)
    place = (batch.run, batch.mapping, batch.pass_number, batch.seq, batch.generation)
    await connection.execute(SQL["keep"], kept, *place, body)
    return kept


async def read_body(connection: asyncpg.Connection, kept: UUID) -> bytes | None:
    """A kept body; None once its batch is settled."""
    body: bytes | None = await connection.fetchval(SQL["read"], kept)
    return body


async def is_awaited(connection: asyncpg.Connection, batch: BatchRef) -> bool:
    """Whether the ledger still waits for this generation of a batch."""
    place = (batch.run, batch.mapping, batch.pass_number, batch.seq, batch.generation)
    return bool(await connection.fetchval(SQL["is_awaited"], *place))


async def drop_bodies(connection: asyncpg.Connection, run: UUID) -> None:
    """Drop what is left of a run that ends: of generations that were never settled, and of batches that came late."""
    await connection.execute(SQL["drop"], run)
