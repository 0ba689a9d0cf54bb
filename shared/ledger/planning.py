"""What the extractor reads and writes of the ledger: the plan of a run, its snapshot, its batches and their bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.core.ids import BatchRef
from shared.core.passes import REMOVAL
from shared.core.run_options import RunOptions
from shared.core.states import LoadMode, MappingState, RunKind, RunState
from shared.core.sums import Sum
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger.batches import SEQ_STRIDE, place_of, sealed_bounds, unpacked_bounds
from shared.ledger.bounds import BatchBounds
from shared.ledger.legacy_reads import record_legacy_reads
from shared.ledger.proofs import seal_source_sums
from shared.plan.compiled import CompiledPlan, decode_compiled, encode_compiled
from shared.postgres.identifiers import TableName
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "planning.sql")
BATCH_COLUMNS = ("run_id", "mapping", "pass", "seq", "bounds", "bounds_sealed")


class RunToPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A run as the planner finds it. `compiled` is there when it was planned before, `about` if another is meant."""

    run: UUID
    migration: UUID
    about: UUID | None
    kind: RunKind
    mode: LoadMode
    state: RunState
    options: RunOptions
    plan_files: dict[str, str]
    compiled: CompiledPlan | None
    snapshot_count: int
    snapshot_at: datetime | None
    fingerprint: str | None
    transfuse_version: str = ""

    @property
    def ending(self) -> LoadMode:
        """How its rows end; of a dry run, as those of the run that it tries."""
        return self.options.tries if self.mode is LoadMode.CHECK else self.mode


class CutMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One pass of a mapping, cut into batches. `clear_bounds` where its key is an integer or a uuid, else sealed.

    `cut_complete` unless its first batch finds out what there is to do, and adds others. `source_sums` are those of the
    FROM result by target column, None where they cannot be held against what is sent; `not_checked` are the rows that a
    sample leaves out. The loader finds the parents of `found_columns` itself, so that their foreign keys may be off.
    """

    mapping: str
    pass_number: int = 1
    depends_on: tuple[str, ...]
    in_seq_order: bool
    table: TableName
    triggers_off: tuple[str, ...]
    clear_bounds: bool
    driving_rows: int
    from_rows: int
    bounds: tuple[BatchBounds, ...]
    cut_complete: bool = True
    not_checked: int = 0
    source_sums: dict[str, Sum] | None = None
    found_columns: tuple[str, ...] = ()
    key_column: str = ""


class TakenSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot as the ledger keeps it: its text, the instance that holds it, the moment it shows.

    `ids` are the transactions that it sees, as `txid_current_snapshot()` writes them.
    """

    text: str
    holder: str
    taken_at: datetime
    ids: str | None = None


class OpenBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that is not settled, and its bounds; `sealed` as the ledger keeps them."""

    batch: BatchRef
    bounds: BatchBounds
    sealed: bool


@asynccontextmanager
async def planning_lock(connection: asyncpg.Connection, run: UUID) -> AsyncIterator[bool]:
    """Whether this session is the only one that plans the run; held until the end of the context or of the session."""
    locked = bool(await connection.fetchval(SQL["lock_planning"], run))
    try:
        yield locked
    finally:
        if locked and not connection.is_closed():
            await connection.execute(SQL["unlock_planning"], run)


async def read_run(connection: asyncpg.Connection, run: UUID) -> RunToPlan | None:
    """The run and its plan's files, None when there is no such run."""
    row = await connection.fetchrow(SQL["run"], run)
    if row is None:
        return None
    return RunToPlan(
        run=run,
        migration=row["migration_id"],
        about=row["about_run"],
        kind=RunKind(row["kind"]),
        mode=LoadMode(row["mode"]),
        state=RunState(row["state"]),
        options=msgspec.json.decode(row["options"], type=RunOptions),
        plan_files=msgspec.json.decode(row["files"], type=dict[str, str]),
        compiled=decode_compiled(row["compiled"]) if row["compiled"] is not None else None,
        snapshot_count=row["snapshot_count"],
        snapshot_at=row["snapshot_at"],
        fingerprint=row["fingerprint"],
        transfuse_version=row["transfuse_version"],
    )


async def ensure_run_key(connection: asyncpg.Connection, keyring: Keyring, run: UUID) -> RunKey:
    """The run's data key, made when it has none. Raises SealBroken or KeyNotListed when it cannot be unwrapped."""
    wrapped = await connection.fetchval(SQL["run_key"], run)
    if wrapped is None:
        await connection.execute(SQL["insert_run_key"], run, keyring.wrap(RunKey.generate().data_key, run))
        wrapped = await connection.fetchval(SQL["run_key"], run)
    return RunKey(keyring.unwrap(wrapped, run))


async def write_plan(
    connection: asyncpg.Connection,
    run: UUID,
    key: RunKey,
    compiled: CompiledPlan,
    mappings: Sequence[CutMapping],
    snapshot: TakenSnapshot,
    *,
    fingerprint: str,
    warnings: Sequence[dict[str, str]] = (),
) -> bool:
    """Write everything that planning found, in one transaction, and let the run go on.

    `mappings` come in order of dispatch; the audit gets an entry for each.
    False, and nothing written, when the run is not being planned any more (cancelled, or planned by another instance).
    """
    async with connection.transaction():
        if not await _let_run(connection, run, compiled, snapshot, fingerprint, warnings):
            return False
        for position, mapping in enumerate(mappings):
            await connection.execute(
                SQL["insert_mapping"],
                run,
                mapping.mapping,
                mapping.pass_number,
                position,
                list(mapping.depends_on),
                (MappingState.PLANNED if mapping.bounds else MappingState.COMPLETE).value,
                mapping.in_seq_order,
                mapping.cut_complete,
                mapping.driving_rows,
                mapping.from_rows,
                mapping.table.schema,
                mapping.table.name,
                list(mapping.triggers_off),
                seal_source_sums(mapping.source_sums, key, run, mapping.mapping),
                list(mapping.found_columns),
                mapping.key_column,
            )
            if mapping.not_checked:
                await connection.execute(
                    SQL["leave_unchecked"], run, mapping.mapping, mapping.pass_number, mapping.not_checked
                )
            await connection.copy_records_to_table(
                "batch", schema_name="transfuse", columns=BATCH_COLUMNS, records=_records(run, key, mapping)
            )
        # Last: until the commit no other service can write to the audit.
        read = {item.mapping: item.from_rows for item in mappings if item.pass_number != REMOVAL}
        await record_legacy_reads(connection, run, compiled, read)
    return True


class Recount(msgspec.Struct, frozen=True, kw_only=True):
    """Both counts of a mapping under a new snapshot."""

    mapping: str
    pass_number: int
    driving_rows: int
    from_rows: int


async def write_snapshot(
    connection: asyncpg.Connection,
    run: RunToPlan,
    key: RunKey,
    open_batches: Iterable[OpenBatch],
    recounts: Iterable[Recount],
    snapshot: TakenSnapshot,
    fingerprint: str,
) -> bool:
    """Let a planned run go on under a new snapshot: open batches, which `reopen_batches` found, get the bounds given.

    False, and nothing written, when the run is not being planned any more. Raises ValueError for a run without a plan.
    """
    if run.compiled is None:
        raise ValueError("the run was never planned")
    async with connection.transaction():
        if not await _let_run(connection, run.run, run.compiled, snapshot, fingerprint, None):
            return False
        for item in open_batches:
            await connection.execute(
                SQL["set_bounds"],
                *place_of(item.batch),
                sealed_bounds(key, item.batch, item.bounds, sealed=item.sealed),
            )
        for recount in recounts:
            await connection.execute(
                SQL["recount_mapping"],
                run.run,
                recount.mapping,
                recount.pass_number,
                recount.driving_rows,
                recount.from_rows,
            )
    return True


async def reopen_batches(connection: asyncpg.Connection, run: UUID) -> None:
    """Give open batches the next generation, before they are counted under a new snapshot.

    What is in flight from the old one is dropped from here on: settled after the count, it would unbalance the run.
    """
    await connection.execute(SQL["reopen_batches"], run)


async def read_open_batches(connection: asyncpg.Connection, run: UUID, key: RunKey) -> list[OpenBatch]:
    """Batches that are neither settled nor split, in order. Their generation is not read: it is 0."""
    rows = await connection.fetch(SQL["open_batches"], run)
    found = []
    for row in rows:
        ref = BatchRef(run=run, mapping=row["mapping"], pass_number=row["pass"], seq=row["seq"], generation=0)
        bounds = unpacked_bounds(key, ref, row["bounds"], sealed=row["bounds_sealed"])
        found.append(OpenBatch(batch=ref, bounds=bounds, sealed=row["bounds_sealed"]))
    return found


async def read_settled_rows(connection: asyncpg.Connection, run: UUID) -> dict[tuple[str, int], int]:
    """Rows that settled batches read, by mapping and pass."""
    rows = await connection.fetch(SQL["batch_counts"], run)
    return {(row["mapping"], row["pass"]): row["settled_rows"] for row in rows}


async def read_compiled(connection: asyncpg.Connection, run: UUID) -> CompiledPlan:
    """The compiled plan of a planned run. Raises LookupError when it has none."""
    compiled = await connection.fetchval(SQL["compiled"], run)
    if compiled is None:
        raise LookupError("the run was never planned")
    return decode_compiled(compiled)


async def read_fingerprint(connection: asyncpg.Connection, run: UUID, snapshot: str) -> str | None:
    """The fingerprint that belongs to a snapshot of the run; None where the run has another one by now."""
    found: str | None = await connection.fetchval(SQL["fingerprint"], run, snapshot)
    return found


async def snapshot_wanted(connection: asyncpg.Connection, run: UUID, snapshot: str) -> bool:
    """Whether batches of the run may still have to be read under that snapshot; while it is planned, any may be."""
    return bool(await connection.fetchval(SQL["snapshot_wanted"], run, snapshot))


async def _let_run(
    connection: asyncpg.Connection,
    run: UUID,
    compiled: CompiledPlan,
    snapshot: TakenSnapshot,
    fingerprint: str,
    warnings: Sequence[dict[str, str]] | None,
) -> bool:
    count = await connection.fetchval(
        SQL["run_planned"],
        run,
        encode_compiled(compiled),
        compiled.duckdb_version,
        fingerprint,
        snapshot.text,
        snapshot.holder,
        snapshot.taken_at,
        msgspec.json.encode(warnings).decode() if warnings is not None else None,
        snapshot.ids,
    )
    return count is not None


def _records(run: UUID, key: RunKey, mapping: CutMapping) -> Iterable[tuple[object, ...]]:
    stride = SEQ_STRIDE if mapping.in_seq_order else 1
    for place, bounds in enumerate(mapping.bounds, start=1):
        ref = BatchRef(
            run=run, mapping=mapping.mapping, pass_number=mapping.pass_number, seq=place * stride, generation=1
        )
        packed = sealed_bounds(key, ref, bounds, sealed=not mapping.clear_bounds)
        yield run, mapping.mapping, mapping.pass_number, ref.seq, packed, not mapping.clear_bounds
