"""The load mode `compare`: the rows of a batch held against the target, and nothing written there.

What a load would have made of each row is found out as a load does it: what the transformer refuses or filters, missing
parents and their policies. A row that is to be there is equal, `different` in some columns, or `missing`; one that is
not to be there and is, is `unexpected`. A row that the target refused when it was loaded waits in the quarantine of
that run: as long as it does, it is not missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from services.loader.body import OpenedBatch, keys_of
from services.loader.by_index import by_index
from services.loader.comparison import Comparison, Looked, asked_for, compare_first, compare_second
from services.loader.conflicts import changed_by_others
from services.loader.drift import check_target
from services.loader.findings import make_comparison_settlement, make_findings, sorts_of
from services.loader.load import Load
from services.loader.parents import Parents
from services.loader.runs import LoadRuns
from services.loader.shape import TargetShape
from services.loader.staging import stage
from services.loader.statements import same_value
from services.loader.transaction import told
from services.loader.verdicts import Verdicts
from shared.core.counts import Counts
from shared.core.passes import FIRST, REMOVAL, SECOND
from shared.core.states import LoadMode, Stage
from shared.crypto.aad import batch_aad
from shared.ledger.bodies import body_id, read_body
from shared.ledger.findings import edited_among, loaded_by, refused_before, write_findings
from shared.ledger.removing import key_lists
from shared.ledger.settling import quarantined_among, settle_batch
from shared.plan.compiled import LoadProgram
from shared.plan.model import Changed, Gone, MissingParent
from shared.postgres.identifiers import Identifier
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "compare.sql")
MAX_CHANGED_BYTES = 256 * 1024 * 1024


class ComparingStatements(msgspec.Struct, frozen=True, kw_only=True):
    """Ready statements: `compare` tells staged rows that are not equal, `there` which of some keys the target has.

    `earlier` tells those of some keys that an earlier run wrote.
    """

    compare: str
    there: str
    earlier: str


class Comparer:
    """Compares batches. What it knows of a run is kept until the run is forgotten."""

    def __init__(self, runs: LoadRuns) -> None:
        self._runs = runs
        self._parents = Parents(runs)
        self._loaded_by: dict[UUID, UUID] = {}
        self._statements: dict[tuple[UUID, str, int], ComparingStatements] = {}

    async def compare(self, connection: asyncpg.Connection, load: Load) -> Counts:
        """Compare a batch that was claimed, and settle it in the caller's transaction.

        Raises WorldError, RunError, SchemaDrifted.
        """
        with told(load.doing):
            comparison = await self._compared(connection, load)
            await check_target(connection, load.mapping)
            changed = await _changed_keys(connection, load)
        sole = is_sole(load)
        settlement = await asyncio.to_thread(make_comparison_settlement, load, comparison, sole=sole)
        findings = await asyncio.to_thread(make_findings, load, comparison.findings, changed)
        with told(load.doing):
            await settle_batch(connection, settlement)
            await write_findings(connection, load.opened.batch, findings, sorts_of(comparison.findings, changed))
        return settlement.counts

    def forget(self, run: UUID) -> None:
        """Drop what is kept of a run that ended."""
        self._parents.forget(self._loaded_by.pop(run, run))
        for known in [known for known in self._statements if known[0] == run]:
            del self._statements[known]

    async def _compared(self, connection: asyncpg.Connection, load: Load) -> Comparison:
        opened, verdicts = load.opened, Verdicts()
        sole, second = is_sole(load), opened.is_second
        statements = await self._ready(connection, load)
        run = await self._run_that_loaded(connection, load.run.run)
        looked = Looked(sole=sole)
        if opened.body.row_count:
            await stage(connection, opened, load.shape, load.statements, verdicts)
            unstaged = frozenset(verdicts.refused)
            judged = msgspec.structs.replace(load.run, run=run)
            program, placeholders = lenient(load.mapping.load), opened.body.placeholders
            await self._parents.judge(connection, judged, program, load.statements, verdicts, placeholders)
            async with by_index(connection, program):
                found = await connection.fetch(statements.compare)
            looked = _seen(found, load.shape, unstaged, sole=sole)
            if program.changed is Changed.TARGET_WINS and looked.differing:
                looked = await _without_kept(connection, load, looked)
        keys = asked_for(opened, sorted(looked.unstaged), sole=sole)
        there = await _there(connection, statements, keys)
        not_equal = [opened.target_key(ordinal) for ordinal in sorted(looked.gone | looked.differing.keys())]
        before = await refused_before(connection, run, opened.batch.mapping, [SECOND if second else FIRST], not_equal)
        edited = await edited_among(connection, run, opened.batch.mapping, [*not_equal, *there])
        looked = msgspec.structs.replace(looked, there=there, before=before, edited=edited)
        if not second:
            filtered = await self._parents.filtered_among(
                connection, run, opened.batch.mapping, not_to_be(opened, verdicts)
            )
            left = (
                await self._left(connection, load, run, statements, filtered, verdicts, looked) if sole else frozenset()
            )
            looked = msgspec.structs.replace(looked, told=filtered | before.keys(), left=left)
            return compare_first(opened, verdicts, looked)
        judged = msgspec.structs.replace(load.run, run=run)
        told_before = await self._parents.not_loaded(connection, judged, opened)
        return compare_second(opened, verdicts, msgspec.structs.replace(looked, told=told_before))

    async def _left(
        self,
        connection: asyncpg.Connection,
        load: Load,
        run: UUID,
        statements: ComparingStatements,
        filtered: frozenset[bytes],
        verdicts: Verdicts,
        looked: Looked,
    ) -> frozenset[bytes]:
        """Keys of rows that are not to be there by now, and that the run left where an earlier one had put them."""
        opened = load.opened
        gone = {opened.target_key(ordinal) for ordinal in looked.gone}
        keys = (not_to_be(opened, verdicts) | {row.target_key for row in opened.body.refused}) - gone - {b""}
        if not keys:
            return frozenset()
        told = filtered | await quarantined_among(connection, run, opened.batch.mapping, keys)
        loader = await self._runs.get(connection, run)
        if loader is None or not (keys := keys & told):
            return frozenset()
        if loader.mode is LoadMode.MERGE and load.mapping.load.gone is Gone.REMOVE:
            kept: set[bytes] = set()
            async for lists in key_lists(connection, loader.key, run, opened.batch.mapping, (REMOVAL,)):
                kept |= keys.intersection(keys_of(lists.there))
            keys = (keys - filtered) | kept
        wanted = sorted(keys)
        rows = await connection.fetch(statements.earlier, [str(UUID(bytes=key)) for key in wanted], run)
        return frozenset(wanted[row["place"] - 1] for row in rows)

    async def _run_that_loaded(self, connection: asyncpg.Connection, run: UUID) -> UUID:
        if run not in self._loaded_by:
            self._loaded_by[run] = await loaded_by(connection, run)
        return self._loaded_by[run]

    async def _ready(self, connection: asyncpg.Connection, load: Load) -> ComparingStatements:
        name = (load.run.run, load.mapping.name, load.opened.batch.pass_number)
        if name not in self._statements:
            table = load.shape.table
            rows = await connection.fetch(SQL["rounded"], table.schema, table.name)
            rounded = {row["name"]: row["type_name"] for row in rows}
            self._statements[name] = comparing_statements(load.mapping.load, load.shape, rounded)
        return self._statements[name]


def comparing_statements(program: LoadProgram, shape: TargetShape, rounded: dict[str, str]) -> ComparingStatements:
    """Statements for one mapping; `rounded` are types of columns that round what they are given."""
    known = shape.column(program.key_column)
    conditions = [same_value(column, rounded.get(column.name, "")) for column in shape.written]
    fill = {
        "table": shape.table.sql,
        "key": Identifier(known.name),
        "type_name": known.type_name,
        "identity": f"t.{Identifier(known.name)} = s.{known.staged}",
        "same": " and ".join(f"({condition})" for condition in conditions),
        "differing": ", ".join(
            SQL["differing"].format(same=condition, place=place) for place, condition in enumerate(conditions)
        ),
    }
    return ComparingStatements(**{name: SQL[name].format(**fill) for name in ComparingStatements.__struct_fields__})


def not_to_be(opened: OpenedBatch, verdicts: Verdicts) -> frozenset[bytes]:
    """Keys of rows that the plan filters, and of staged ones that a load would not write."""
    ordinals = verdicts.refused.keys() | verdicts.filtered
    return frozenset((*keys_of(opened.body.filtered_keys), *(opened.target_key(ordinal) for ordinal in ordinals)))


def is_sole(load: Load) -> bool:
    """Whether no other mapping of the plan can write rows of the same keys into the same table."""
    mapping = load.mapping
    return not any(
        other.name != mapping.name and other.load.table == mapping.load.table and other.key_domain == mapping.key_domain
        for other in load.run.plan.mappings
    )


def lenient(program: LoadProgram) -> LoadProgram:
    """The program as it compares: a missing parent that would fail a load makes a row that is not to be there."""
    return msgspec.structs.replace(
        program,
        references=tuple(
            msgspec.structs.replace(
                reference,
                absent=_milder(reference.absent),
                filtered=_milder(reference.filtered),
                quarantined=_milder(reference.quarantined),
            )
            for reference in program.references
        ),
    )


def _milder(policy: MissingParent) -> MissingParent:
    return MissingParent.QUARANTINE if policy is MissingParent.FAIL_RUN else policy


def _seen(rows: Sequence[asyncpg.Record], shape: TargetShape, unstaged: frozenset[int], *, sole: bool) -> Looked:
    names = [column.name for column in shape.written]
    differing: dict[int, tuple[str, ...]] = {}
    for row in rows:
        if row["found"]:
            columns = (*differing.get(row["ordinal"], ()), *(names[place] for place in row["places"]))
            differing[row["ordinal"]] = tuple(dict.fromkeys(columns))
    gone = frozenset(row["ordinal"] for row in rows if not row["found"])
    return Looked(gone=gone, differing=differing, unstaged=unstaged, sole=sole)


async def _without_kept(connection: asyncpg.Connection, load: Load, looked: Looked) -> Looked:
    """The same without rows that somebody changed in the target: the plan says that theirs is the right one."""
    ordinals = sorted(looked.differing)
    others = set(await changed_by_others(connection, load.run.run, load.mapping.load, load.shape, ordinals))
    left = {ordinal: columns for ordinal, columns in looked.differing.items() if ordinal not in others}
    return msgspec.structs.replace(looked, differing=left, kept=len(looked.differing) - len(left))


async def _there(
    connection: asyncpg.Connection, statements: ComparingStatements, keys: Sequence[bytes]
) -> frozenset[bytes]:
    """Those of some keys that the target has."""
    if not keys:
        return frozenset()
    rows = await connection.fetch(statements.there, [str(UUID(bytes=key)) for key in keys])
    return frozenset(keys[row["place"] - 1] for row in rows)


async def _changed_keys(connection: asyncpg.Connection, load: Load) -> frozenset[str] | None:
    """Legacy keys of the batch that were written in the source since the load; None where nobody could tell."""
    batch = load.opened.batch
    body = await read_body(connection, body_id(batch, Stage.EXTRACT))
    if body is None:
        return None
    plain = load.run.key.open_(body, batch_aad(batch, Stage.EXTRACT), max_plain_bytes=MAX_CHANGED_BYTES)
    return frozenset(msgspec.msgpack.decode(plain, type=tuple[str, ...]))
