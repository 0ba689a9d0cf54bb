"""Sums that are to be proven: what the legacy server and the batches give is sealed, what a run came to is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import RunError
from shared.core.ids import BatchRef
from shared.core.states import LoadMode, RunKind
from shared.core.sums import ProvenSum, SentSums, Sum
from shared.crypto.aad import manifest_aad, source_sums_aad, sums_aad
from shared.crypto.envelope import RunKey
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "proofs.sql")


class RunToProve(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be known of a run before its sums are compared."""

    kind: RunKind
    mode: LoadMode
    snapshot_count: int


class SettledKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one settled batch and the keys of its rows that are in the target, 16 bytes each; both opened."""

    sums: tuple[SentSums, ...] | None
    keys: bytes


def seal_sums(sums: Sequence[SentSums], key: RunKey, batch: BatchRef) -> bytes | None:
    """The sums of a batch for its manifest; None where there are none."""
    return key.seal(msgspec.msgpack.encode(sums), sums_aad(batch)) if sums else None


def seal_source_sums(sums: Mapping[str, Sum] | None, key: RunKey, run: UUID, mapping: str) -> bytes | None:
    """The legacy server's sums of a mapping for the ledger; None where there are none."""
    return key.seal(msgspec.msgpack.encode(sums), source_sums_aad(run, mapping)) if sums else None


async def run_to_prove(connection: asyncpg.Connection, run: UUID) -> RunToProve:
    """The run. Raises RunError where it is gone."""
    row = await connection.fetchrow(SQL["run"], run)
    if row is None:
        raise RunError("The run whose sums are to be compared is gone.", code="unknown_run")
    return msgspec.convert(dict(row), RunToProve)


async def source_sums(connection: asyncpg.Connection, key: RunKey, run: UUID, mapping: str) -> dict[str, Sum] | None:
    """What the legacy server gave, by target column; None where it is not comparable. Raises SealBroken."""
    sealed = await connection.fetchval(SQL["source_sums"], run, mapping)
    if sealed is None:
        return None
    return msgspec.msgpack.decode(key.open_(sealed, source_sums_aad(run, mapping)), type=dict[str, Sum])


async def settled_batches(connection: asyncpg.Connection, run: UUID, mapping: str) -> list[asyncpg.Record]:
    """The manifests of a mapping's first pass, sealed: for `opened`."""
    rows: list[asyncpg.Record] = await connection.fetch(SQL["manifests"], run, mapping)
    return rows


def opened(row: asyncpg.Record, key: RunKey, run: UUID, mapping: str) -> SettledKeys:
    """One of `settled_batches`; CPU work for a thread. Raises SealBroken."""
    ref = BatchRef(run=run, mapping=mapping, seq=row["seq"], generation=0)
    aad = manifest_aad(ref)
    sealed = row["sums"]
    sums = None
    if sealed is not None:
        sums = msgspec.msgpack.decode(key.open_(sealed, sums_aad(ref)), type=tuple[SentSums, ...])
    kept = (row["written"], row["unchanged"], row["updated"])
    return SettledKeys(sums=sums, keys=b"".join(key.open_(part, aad) for part in kept if part))


async def write_proof(connection: asyncpg.Connection, run: UUID, mapping: str, sums: Sequence[ProvenSum]) -> None:
    """Keep what was found of a mapping, in the place of what was found before."""
    await connection.execute(SQL["write"], run, mapping, msgspec.json.encode(sums).decode())
