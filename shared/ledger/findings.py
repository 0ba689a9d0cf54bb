"""What a comparison leaves in the ledger: rows that are not as they should be, and how many of each sort."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

import asyncpg
import msgspec

from shared.core.findings import FindingKind
from shared.core.ids import BatchRef
from shared.core.passes import FIRST
from shared.core.states import RunKind
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "findings.sql")
AT_ONCE = 64
"""Manifests that are read at a time."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One row that is not as it should be. `target_key` has 16 bytes; `sealed_key` is None without a legacy key.

    `source_changed` tells whether the source was written since the rows were loaded, None where nobody can.
    """

    id: UUID
    kind: FindingKind
    columns: tuple[str, ...] = ()
    target_key: bytes
    sealed_key: bytes | None = None
    source_changed: bool | None = None


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """A sort of finding: rows where `column` is empty, else rows that differ in that column."""

    kind: FindingKind
    column: str = ""
    source_changed: bool = False


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What a run that ends has compared. `own` if it compared its own rows; `different` counts what no change explains.

    `sampled` if it read a part of the rows, `partial` if it is of a part of its plan.
    """

    kind: RunKind
    snapshot_count: int
    own: bool
    sampled: bool
    partial: bool
    different: int

    @property
    def is_verify(self) -> bool:
        """Whether comparing was all that the run did."""
        return self.kind is RunKind.VERIFY


async def loaded_by(connection: asyncpg.Connection, run: UUID) -> UUID:
    """The run whose rows a run compares: that which a verify is about, else itself."""
    found: UUID = await connection.fetchval(SQL["compared"], run)
    return found


async def refused_before(
    connection: asyncpg.Connection, run: UUID, mapping: str, passes: Sequence[int], keys: Sequence[bytes]
) -> dict[bytes, bool]:
    """Those of some 16-byte keys that a run has in quarantine, each with whether it left another row in its place."""
    if not keys:
        return {}
    wanted = [UUID(bytes=key) for key in keys]
    rows = await connection.fetch(SQL["refused_before"], run, mapping, list(passes), wanted)
    return {row["target_key"].bytes: row["left_alone"] for row in rows}


async def edited_among(
    connection: asyncpg.Connection, run: UUID, mapping: str, keys: Sequence[bytes]
) -> frozenset[bytes]:
    """Those of some 16-byte keys whose rows runs of the migration loaded with values that a person gave them."""
    if not keys:
        return frozenset()
    rows = await connection.fetch(SQL["edited"], run, mapping, [UUID(bytes=key) for key in keys])
    return frozenset(row["target_key"].bytes for row in rows)


async def write_findings(
    connection: asyncpg.Connection, batch: BatchRef, findings: Sequence[Finding], counts: Mapping[Sort, int]
) -> None:
    """Keep what a batch's comparison found, in the transaction that settles the batch."""
    await _write(connection, batch, batch.seq, findings, counts)


async def write_extra(
    connection: asyncpg.Connection, place: BatchRef, findings: Sequence[Finding], row_count: int
) -> None:
    """Keep the extra rows of a table under a mapping, also that there are none: then they were looked for."""
    await _write(connection, place, None, findings, {Sort(kind=FindingKind.EXTRA): row_count})


async def write_deleted(connection: asyncpg.Connection, place: BatchRef, row_count: int) -> None:
    """Keep how many extra rows the source had when they were loaded."""
    counted = {Sort(kind=FindingKind.EXTRA, source_changed=True): row_count}
    await _write(connection, place, None, (), counted)


async def forget_extra(connection: asyncpg.Connection, run: UUID) -> None:
    """Drop what an earlier attempt found."""
    await connection.execute(SQL["forget_extra"], run)
    await connection.execute(SQL["forget_extra_counts"], run)


async def read_compared(connection: asyncpg.Connection, run: UUID) -> Compared:
    """What a run compared."""
    return msgspec.convert(dict(await connection.fetchrow(SQL["compares"], run)), Compared)


async def explained_keys(
    connection: asyncpg.Connection, run: UUID, mapping: str, pass_number: int
) -> AsyncIterator[tuple[BatchRef, bytes, bytes]]:
    """By batch of a comparison two sealed lists: keys that it accounts for, and keys of placeholders.

    The caller is in a transaction.
    """
    async for row in connection.cursor(SQL["manifests"], run, mapping, pass_number, prefetch=AT_ONCE):
        yield _ref(run, mapping, pass_number, row["seq"]), row["unchanged"], row["filtered"]


async def loaded_keys(
    connection: asyncpg.Connection, run: UUID, mapping: str
) -> AsyncIterator[tuple[BatchRef, tuple[bytes, ...]]]:
    """By batch of a run that loaded rows the sealed lists of their keys. The caller is in a transaction."""
    async for row in connection.cursor(SQL["loaded_manifests"], run, mapping, prefetch=AT_ONCE):
        yield _ref(run, mapping, FIRST, row["seq"]), (row["written"], row["updated"], row["unchanged"])


def _ref(run: UUID, mapping: str, pass_number: int, seq: int) -> BatchRef:
    return BatchRef(run=run, mapping=mapping, pass_number=pass_number, seq=seq, generation=0)


async def _write(
    connection: asyncpg.Connection,
    batch: BatchRef,
    seq: int | None,
    findings: Sequence[Finding],
    counts: Mapping[Sort, int],
) -> None:
    if findings:
        await connection.execute(
            SQL["insert_findings"],
            *(batch.run, batch.mapping, batch.pass_number, seq),
            [finding.id for finding in findings],
            [finding.kind.value for finding in findings],
            [msgspec.json.encode(finding.columns).decode() for finding in findings],
            [UUID(bytes=finding.target_key) if finding.target_key else None for finding in findings],
            [finding.sealed_key for finding in findings],
            [finding.source_changed for finding in findings],
        )
    if counts:
        await connection.execute(
            SQL["insert_counts"],
            *(batch.run, batch.mapping, batch.pass_number, 0 if seq is None else seq),
            [sort.kind.value for sort in counts],
            [sort.column for sort in counts],
            [sort.source_changed for sort in counts],
            list(counts.values()),
        )
