"""What the ledger knows of rows that earlier runs wrote, and how the removal of those that are gone is cut."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.core.ids import BatchRef
from shared.core.passes import FIRST, REMOVAL
from shared.crypto.aad import bounds_aad, manifest_aad
from shared.crypto.envelope import RunKey
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "removing.sql")
LISTS_AT_ONCE = 8
"""Manifests that are held in memory together."""
FIRST_SEQ = 1
"""The batch of a removal that finds what is gone, and cuts the others."""


class EarlierRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that loaded a mapping; `has_removed` if it went through with its own removal of what was gone."""

    run: UUID
    has_removed: bool


class KeyLists(msgspec.Struct, frozen=True, kw_only=True):
    """One manifest's keys, opened, 16 bytes each.

    `there` are those of rows that the source has, refused ones among them; `filtered` those that the plan left out. Of
    a removal, `there` are rows that it left alone, `marked` those that it marked.
    """

    there: bytes = b""
    filtered: bytes = b""
    marked: bytes = b""


class FirstPass(msgspec.Struct, frozen=True, kw_only=True):
    """How a mapping's first pass stands: rows counted in the snapshot, rows read, batches that are not settled."""

    from_rows: int | None
    read: int
    open_batches: int

    @property
    def is_whole(self) -> bool:
        """Whether every row that was counted was read."""
        return self.from_rows == self.read and not self.open_batches


async def earlier_runs(connection: asyncpg.Connection, run: UUID, mapping: str) -> tuple[EarlierRun, ...]:
    """The runs whose keys may be gone, oldest first: those since the last one that removed, and that one.

    What was undone is no earlier run.
    """
    found: list[EarlierRun] = []
    for row in await connection.fetch(SQL["earlier_runs"], run, mapping):
        found.append(EarlierRun(run=row["id"], has_removed=row["has_removed"]))
        if row["has_removed"]:
            break
    return tuple(reversed(found))


async def key_lists(
    connection: asyncpg.Connection, key: RunKey, run: UUID, mapping: str, passes: Sequence[int]
) -> AsyncIterator[KeyLists]:
    """The manifests of a run's mapping, opened one by one; within the caller's transaction. Raises SealBroken."""
    rows = connection.cursor(SQL["manifests"], run, mapping, list(passes), prefetch=LISTS_AT_ONCE)
    async for row in rows:
        ref = BatchRef(run=run, mapping=mapping, pass_number=row["pass"], seq=row["seq"], generation=0)
        yield _opened(row, key, ref)


async def first_pass(connection: asyncpg.Connection, run: UUID, mapping: str) -> FirstPass | None:
    """The first pass of a mapping in a run, None where the run has none."""
    row = await connection.fetchrow(SQL["first_pass"], run, mapping)
    return None if row is None else FirstPass(**dict(row))


async def read_removal(connection: asyncpg.Connection, batch: BatchRef, key: RunKey) -> tuple[bytes, datetime]:
    """The 16-byte keys of a batch of a removal, none of the first one, and the moment that the run's snapshot shows."""
    row = await connection.fetchrow(SQL["run_of_batch"], batch.run, batch.mapping, batch.pass_number, batch.seq)
    keys = b"" if batch.seq == FIRST_SEQ else key.open_(row["bounds"], bounds_aad(batch))
    return keys, row["snapshot_at"]


async def cut_removal(
    connection: asyncpg.Connection, batch: BatchRef, key: RunKey, lists: Sequence[bytes], *, first_seq: int
) -> None:
    """Write batches of 16-byte keys, numbered from `first_seq`."""
    numbers = range(first_seq, first_seq + len(lists))
    refs = [msgspec.structs.replace(batch, seq=seq) for seq in numbers]
    sealed = [key.seal(keys, bounds_aad(ref)) for keys, ref in zip(lists, refs, strict=True)]
    await connection.execute(SQL["cut"], batch.run, batch.mapping, batch.pass_number, list(numbers), sealed)


async def end_cut(
    connection: asyncpg.Connection, batch: BatchRef, row_count: int, *, pause: str = "", message: str = ""
) -> None:
    """No further batches: so many rows are gone. With `pause`, a reason, the mapping waits until it is resumed."""
    place = (batch.run, batch.mapping, batch.pass_number)
    await connection.fetchval(SQL["cut_complete"], *place, row_count, pause, message)


def _opened(row: asyncpg.Record, key: RunKey, ref: BatchRef) -> KeyLists:
    aad = manifest_aad(ref)

    def keys(name: str) -> bytes:
        return key.open_(row[name], aad) if row[name] else b""

    if ref.pass_number == REMOVAL:
        return KeyLists(there=keys("unchanged"), marked=keys("updated"))
    if ref.pass_number != FIRST:
        return KeyLists()
    there = b"".join(map(keys, ("written", "updated", "unchanged", "quarantined")))
    return KeyLists(there=there, filtered=keys("filtered"))
