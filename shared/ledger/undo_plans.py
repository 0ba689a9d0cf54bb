"""What the loader reads and writes of the ledger to plan an undo, and what each batch of it goes by."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import RunError
from shared.core.ids import BatchRef
from shared.core.run_options import BuiltOn, RunOptions
from shared.core.states import MappingState, RunState
from shared.crypto.aad import bounds_aad, manifest_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger.former import MOST_PLAIN_BYTES, FormerRows, open_former, open_placeholders
from shared.ledger.undos import SQL
from shared.postgres.identifiers import TableName

MANIFESTS_AT_ONCE = 16
BATCH_COLUMNS = ("run_id", "mapping", "pass", "seq", "bounds", "bounds_sealed")


class Undo(msgspec.Struct, frozen=True, kw_only=True):
    """An undo as the loader finds it. `about` is the run that it takes back, `planned` once it was cut."""

    run: UUID
    about: UUID
    state: RunState
    built_on: BuiltOn
    transfuse_version: str
    planned: bool


class WrittenMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One pass of a mapping of the run that is undone."""

    mapping: str
    pass_number: int
    in_seq_order: bool
    table: TableName
    triggers_off: tuple[str, ...]


class WrittenBatch(msgspec.Struct, frozen=True, kw_only=True):
    """What one batch wrote, opened: packed 16-byte keys that it inserted and updated, the rows as they were before."""

    seq: int
    written: bytes
    updated: bytes
    former: tuple[FormerRows, ...]
    placeholders: tuple[tuple[str, bytes], ...]


class UndoBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch of an undo takes back: the rows of the batch `seq` of the undone run, or `placeholders`.

    `stays` are the packed keys of rows that stay, by the reason; `given_back` rows that another undo has put back as
    the undone run left them, with the transaction in which it did (32 bits). Sealed like other bounds.
    """

    seq: int = 0
    placeholders: bytes = b""
    stays: dict[str, bytes] = {}
    given_back: dict[bytes, int] = {}


class CutUndo(msgspec.Struct, frozen=True, kw_only=True):
    """One pass of a mapping, cut after the manifests of the undone run. What it `depends_on` is undone before."""

    mapping: str
    pass_number: int
    depends_on: tuple[str, ...]
    in_seq_order: bool
    table: TableName
    triggers_off: tuple[str, ...]
    row_count: int
    bounds: tuple[UndoBounds, ...]


async def read_undo(connection: asyncpg.Connection, run: UUID) -> Undo | None:
    """An undo, None where there is no such one."""
    row = await connection.fetchrow(SQL["undo"], run)
    if row is None or row["about_run"] is None:
        return None
    return Undo(
        run=run,
        about=row["about_run"],
        state=RunState(row["state"]),
        built_on=msgspec.json.decode(row["options"], type=RunOptions).built_on,
        transfuse_version=row["transfuse_version"],
        planned=row["planned"],
    )


async def written_mappings(connection: asyncpg.Connection, run: UUID) -> tuple[WrittenMapping, ...]:
    """Every pass of a run that may have written rows."""
    return tuple(
        WrittenMapping(
            mapping=row["mapping"],
            pass_number=row["pass"],
            in_seq_order=row["in_seq_order"],
            table=TableName(schema=row["target_schema"], name=row["target_table"]),
            triggers_off=tuple(row["triggers_off"]),
        )
        for row in await connection.fetch(SQL["mappings"], run)
    )


async def written_batches(
    connection: asyncpg.Connection, run: UUID, key: RunKey, mapping: str, pass_number: int
) -> AsyncIterator[WrittenBatch]:
    """What every batch of a pass wrote, in order. Raises SealBroken."""
    after = -1
    while rows := await connection.fetch(SQL["manifests"], run, mapping, pass_number, after, MANIFESTS_AT_ONCE):
        for row in rows:
            yield _opened(
                row, BatchRef(run=run, mapping=mapping, pass_number=pass_number, seq=row["seq"], generation=0), key
            )
        after = rows[-1]["seq"]


async def written_batch(connection: asyncpg.Connection, batch: BatchRef, key: RunKey) -> WrittenBatch:
    """What one batch wrote. Raises RunError where its manifest is gone, SealBroken."""
    row = await connection.fetchrow(SQL["manifest"], batch.run, batch.mapping, batch.pass_number, batch.seq)
    if row is None:
        raise RunError(
            f"The manifest of batch {batch.seq} of {batch.mapping} is gone.",
            code="details_removed",
            remedy="Nothing of this batch can be taken back any more: restore a backup of the target.",
        )
    return _opened(row, batch, key)


async def found_since(connection: asyncpg.Connection, run: UUID, mapping: str) -> AsyncIterator[tuple[BatchRef, bytes]]:
    """Sealed lists of the keys that later runs of the migration found unchanged, with the batch of each."""
    after: tuple[UUID, int] = UUID(int=0), -1
    while rows := await connection.fetch(SQL["found_since"], run, mapping, *after, MANIFESTS_AT_ONCE):
        for row in rows:
            yield BatchRef(run=row["run_id"], mapping=mapping, seq=row["seq"], generation=0), row["unchanged"]
        after = rows[-1]["run_id"], rows[-1]["seq"]


async def undos_of(connection: asyncpg.Connection, run: UUID) -> tuple[UUID, ...]:
    """A run, and the undos of it."""
    return tuple(row["id"] for row in await connection.fetch(SQL["undos_of"], run))


async def writers_of(connection: asyncpg.Connection, run: UUID) -> frozenset[int]:
    """The transactions (32 bits) of a run and of undos of it that did not come to their end."""
    return frozenset(row["written_by"] for row in await connection.fetch(SQL["writers"], run))


async def putting_back(connection: asyncpg.Connection, run: UUID) -> dict[int, tuple[UUID, str]]:
    """Undos of other runs than this: by the transaction (32 bits) the run that was undone, and the mapping."""
    rows = await connection.fetch(SQL["other_undos"], run)
    return {row["written_by"]: (row["about_run"], row["mapping"]) for row in rows}


async def undo_key(connection: asyncpg.Connection, keyring: Keyring, run: UUID) -> RunKey:
    """The data key of an undo, made where it has none. Raises SealBroken, KeyNotListed."""
    wrapped = await connection.fetchval(SQL["run_key"], run)
    if wrapped is None:
        await connection.execute(SQL["insert_run_key"], run, keyring.wrap(RunKey.generate().data_key, run))
        wrapped = await connection.fetchval(SQL["run_key"], run)
    return RunKey(keyring.unwrap(wrapped, run))


async def write_undo(
    connection: asyncpg.Connection,
    run: UUID,
    key: RunKey,
    mappings: Sequence[CutUndo],
    warnings: Sequence[Mapping[str, str]],
) -> bool:
    """Write what planning found, in one transaction, and let the undo go on; `mappings` in order of dispatch.

    False, and nothing written, when it is not being planned any more.
    """
    async with connection.transaction():
        if not await let_go_on(connection, run, warnings):
            return False
        for position, cut in enumerate(mappings):
            await connection.execute(
                SQL["insert_mapping"],
                *(run, cut.mapping, cut.pass_number, position, list(cut.depends_on)),
                (MappingState.PLANNED if cut.bounds else MappingState.COMPLETE).value,
                *(cut.in_seq_order, cut.row_count, cut.table.schema, cut.table.name, list(cut.triggers_off)),
            )
            await connection.copy_records_to_table(
                "batch", schema_name="transfuse", columns=BATCH_COLUMNS, records=_records(run, key, cut)
            )
    return True


async def let_go_on(
    connection: asyncpg.Connection, run: UUID, warnings: Sequence[Mapping[str, str]] | None = None
) -> bool:
    """From planning to `running`, with the plan of the undone run; False where it is not being planned any more."""
    told = None if warnings is None else msgspec.json.encode(warnings).decode()
    return await connection.fetchval(SQL["planned"], run, told) is not None


async def read_bounds(connection: asyncpg.Connection, batch: BatchRef, key: RunKey) -> UndoBounds:
    """What a batch of an undo takes back. Raises RunError where there is no such batch, SealBroken."""
    sealed = await connection.fetchval(SQL["bounds"], batch.run, batch.mapping, batch.pass_number, batch.seq)
    if sealed is None:
        raise RunError(f"There is no batch {batch.seq} of {batch.mapping} in this undo.", code="unknown_batch")
    return msgspec.msgpack.decode(key.open_(sealed, bounds_aad(batch)), type=UndoBounds)


def _opened(row: asyncpg.Record, batch: BatchRef, key: RunKey) -> WrittenBatch:
    aad = manifest_aad(batch)
    return WrittenBatch(
        seq=row["seq"],
        written=key.open_(row["written"], aad, max_plain_bytes=MOST_PLAIN_BYTES),
        updated=b"" if row["updated"] is None else key.open_(row["updated"], aad, max_plain_bytes=MOST_PLAIN_BYTES),
        former=open_former(row["former"], key, batch),
        placeholders=open_placeholders(row["placeholders"], key, batch),
    )


def _records(run: UUID, key: RunKey, cut: CutUndo) -> Iterable[tuple[object, ...]]:
    for seq, bounds in enumerate(cut.bounds, start=1):
        batch = BatchRef(run=run, mapping=cut.mapping, pass_number=cut.pass_number, seq=seq, generation=1)
        sealed = key.seal(msgspec.msgpack.encode(bounds), bounds_aad(batch))
        yield run, cut.mapping, cut.pass_number, seq, sealed, True
