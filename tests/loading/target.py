"""A target with a ledger, and batches as the transformer would bring them: real COPY streams, sealed."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.loader.load import Settled
from services.loader.loader import BatchLoader
from shared.core.counts import Counts
from shared.core.ids import BatchRef
from shared.core.states import Encoding, LoadMode, Stage
from shared.core.sums import SentSums
from shared.crypto.aad import batch_aad, manifest_aad, row_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.messages.data import LoadBatch, LoadBody, RefusedRow, Warned
from shared.plan.compiled import (
    CompiledMapping,
    CompiledPlan,
    Cut,
    LoadProgram,
    Reference,
    SecondPass,
    SourceProgram,
    TransformProgram,
    encode_compiled,
)
from shared.plan.model import MissingParent
from shared.postgres.identifiers import TableName
from tests.ledgers.ledger import Ledger, PlannedMapping


def program(table: str, columns: Sequence[str], **more: Any) -> LoadProgram:  # noqa: ANN401 - any field
    """A mapping's loading: the table is in `public`, its first column holds the key."""
    given = {"key_column": columns[0], "primary_key": (columns[0],), **more}
    return LoadProgram(
        table=TableName(schema="public", name=table), columns=tuple(columns), column_types=("",) * len(columns), **given
    )


def reference(column: str, mapping: str, table: str, *, enforced: bool = True, **policy: MissingParent) -> Reference:
    """A computed foreign key to the `id` of a table, quarantining by default."""
    default = policy.pop("default", MissingParent.QUARANTINE)
    fates = {name: policy.get(name, default) for name in ("absent", "filtered", "quarantined")}
    return Reference(
        column=column,
        mapping=mapping,
        table=TableName(schema="public", name=table),
        referenced_column="id",
        enforced=enforced,
        default=default,
        **fates,
    )


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one batch as a SELECT over the target's server; its first column is the key, a uuid."""

    select: str
    encoding: Encoding = Encoding.BINARY
    refused: tuple[RefusedRow, ...] = ()
    filtered: tuple[UUID, ...] = ()
    warned: tuple[Warned, ...] = ()
    placeholders: dict[str, UUID] = {}
    sums: tuple[SentSums, ...] = ()


class Target:
    """One target database. `connection` may do everything."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.connection = ledger.connection
        self.keyring = Keyring([os.urandom(32)])
        self.loader = BatchLoader(ledger.pool, self.keyring)
        self.keys: dict[UUID, RunKey] = {}

    async def run(
        self,
        programs: dict[str, LoadProgram],
        *,
        batches: int = 1,
        migration: str = "clinic",
        expected: bool = False,
        sums: dict[str, dict[str, str]] | None = None,
    ) -> UUID:
        """A running run of some mappings, each with so many dispatched batches; earlier runs are completed first."""
        await self.connection.execute("update transfuse.run set state = 'finishing' where state = 'running'")
        await self.connection.execute("update transfuse.run set state = 'completed' where state = 'finishing'")
        run = await self.ledger.start(migration)
        key = self.keys[run] = RunKey.generate()
        planned = [
            PlannedMapping(name=name, batches=batches, table=loading.table.name, triggers_off=loading.triggers_off)
            for name, loading in programs.items()
        ]
        await self.ledger.plan(run, *planned)
        compiled = encode_compiled(_summing(_plan(programs, excludes_expected=expected), sums or {}))
        await self.connection.execute("update transfuse.run set compiled = $2 where id = $1", run, compiled)
        await self.connection.execute(
            "insert into transfuse.run_key (run_id, wrapped) values ($1, $2)", run, self.keyring.wrap(key.data_key, run)
        )
        await self.connection.execute("update transfuse.batch set state = 'dispatched' where run_id = $1", run)
        return run

    async def message(self, ref: BatchRef, body: Body, mode: LoadMode = LoadMode.INSERT) -> LoadBatch:
        """The load message of a batch."""
        if ref.pass_number == 1:
            await self.connection.execute("update transfuse.run set mode = $2 where id = $1", ref.run, mode.value)
        sink = io.BytesIO()
        await self.connection.copy_from_query(body.select, output=sink, format=body.encoding.value)
        keys = [row[0] for row in await self.connection.fetch(body.select)]
        filled = LoadBody(
            rows=sink.getvalue(),
            row_count=len(keys),
            target_keys=b"".join(key.bytes for key in keys),
            legacy_keys=tuple(f"legacy {place}" for place in range(1, len(keys) + 1)),
            refused=body.refused,
            filtered_keys=b"".join(key.bytes for key in body.filtered),
            warned=body.warned,
            placeholders={name: key.bytes for name, key in body.placeholders.items()},
            sums=body.sums,
        )
        sealed = self.keys[ref.run].seal(msgspec.msgpack.encode(filled), batch_aad(ref, Stage.LOAD))
        return LoadBatch(batch=ref, mode=mode, encoding=body.encoding, row_count=len(keys), body=sealed)

    async def load(self, ref: BatchRef, body: Body, mode: LoadMode = LoadMode.INSERT) -> Settled:
        """Bring one batch."""
        return await self.loader.load(await self.message(ref, body, mode))

    async def second(self, programs: dict[str, LoadProgram], second: dict[str, LoadProgram]) -> UUID:
        """A run as `run` makes it, of which some mappings have a batch of a second pass with a program of its own."""
        run = await self.run(programs)
        plan = _plan(programs, excludes_expected=False)
        mappings = tuple(_with_second(one, second.get(one.name)) for one in plan.mappings)
        compiled = encode_compiled(msgspec.structs.replace(plan, mappings=mappings))
        await self.connection.execute("update transfuse.run set compiled = $2 where id = $1", run, compiled)
        for name in second:
            await self.connection.execute(
                """insert into transfuse.run_mapping
                       (run_id, mapping, pass, position, cut_complete, driving_rows, from_rows)
                   values ($1, $2, 2, 9, true, 0, 0)""",
                *(run, name),
            )
            await self.connection.execute(
                "insert into transfuse.batch (run_id, mapping, pass, seq, state) values ($1, $2, 2, 1, 'dispatched')",
                *(run, name),
            )
        return run

    async def counts(self, ref: BatchRef) -> Counts:
        """The counts that the ledger has of a settled batch; all zero where it is not settled."""
        row = await self.connection.fetchrow(
            """select read_count as read, loaded, updated, unchanged, merged, filtered, quarantined
                 from transfuse.batch
                where run_id = $1 and mapping = $2 and pass = $3 and seq = $4 and state = 'settled'""",
            *(ref.run, ref.mapping, ref.pass_number, ref.seq),
        )
        return Counts() if row is None else Counts(**dict(row))

    async def reasons(self, run: UUID) -> dict[tuple[str, str, str], int]:
        """Quarantined rows by code, column and SQLSTATE."""
        rows = await self.connection.fetch(
            """select r ->> 'code', r ->> 'column', r ->> 'sqlstate', count(*)
                 from transfuse.quarantine, jsonb_array_elements(reasons) r where run_id = $1 group by 1, 2, 3""",
            run,
        )
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    async def quarantined(self, run: UUID) -> list[tuple[asyncpg.Record, str, dict[str, object]]]:
        """Every row in quarantine with its legacy key and its row, opened."""
        key = self.keys[run]
        found = []
        for row in await self.connection.fetch("select * from transfuse.quarantine where run_id = $1", run):
            aad = row_aad(run, row["id"])
            opened = msgspec.json.decode(key.open_(row["sealed_row"], aad), type=dict[str, object])
            found.append((row, key.open_(row["sealed_key"], aad).decode(), opened))
        return found

    async def manifest(self, ref: BatchRef) -> dict[str, set[UUID]]:
        """The manifest of a batch, opened: keys by outcome."""
        row = await self.connection.fetchrow(
            "select * from transfuse.manifest where run_id = $1 and mapping = $2 and pass = $3 and seq = $4",
            *(ref.run, ref.mapping, ref.pass_number, ref.seq),
        )
        assert row is not None
        opened = {
            name: self.keys[ref.run].open_(row[name], manifest_aad(ref))
            for name in ("written", "updated", "unchanged", "filtered", "quarantined")
        }
        return {
            name: {UUID(bytes=keys[at : at + 16]) for at in range(0, len(keys), 16)} for name, keys in opened.items()
        }


def batch(run: UUID, mapping: str, seq: int = 1, generation: int = 1, *, pass_number: int = 1) -> BatchRef:
    """A batch's identity."""
    return BatchRef(run=run, mapping=mapping, pass_number=pass_number, seq=seq, generation=generation)


def _plan(programs: dict[str, LoadProgram], *, excludes_expected: bool) -> CompiledPlan:
    return CompiledPlan(
        name="clinic",
        hash="hash of clinic",
        namespace=str(UUID(int=1)),
        namespace_secret="",
        keys="uuid5",
        transfuse_version="0.1.0",
        duckdb_version="",
        source_fingerprint="",
        target_fingerprint="",
        mappings=tuple(_mapping(name, loading, excludes_expected) for name, loading in programs.items()),
    )


def _summing(plan: CompiledPlan, sums: dict[str, dict[str, str]]) -> CompiledPlan:
    """The plan with the columns that the legacy server sums, by mapping."""
    mappings = tuple(
        msgspec.structs.replace(one, source=msgspec.structs.replace(one.source, sums=sums.get(one.name, {})))
        for one in plan.mappings
    )
    return msgspec.structs.replace(plan, mappings=mappings)


def _mapping(name: str, loading: LoadProgram, excludes_expected: bool) -> CompiledMapping:
    source = SourceProgram(
        driving=TableName(schema="public", name=name),
        schema="public",
        tables=(),
        clause_sql="",
        from_sql="",
        key=(),
        cut_key=(),
        content_key=False,
        columns=(),
        cut=Cut.RANGES,
        excludes_expected=excludes_expected,
        read_columns={},
    )
    transform = TransformProgram(setup=(), statement="", hashed=(), target_columns=(), encoding=Encoding.BINARY)
    return CompiledMapping(
        name=name, key_domain=name, wave=0, depends_on=(), source=source, transform=transform, load=loading
    )


def _with_second(mapping: CompiledMapping, loading: LoadProgram | None) -> CompiledMapping:
    if loading is None:
        return mapping
    second = SecondPass(
        columns=loading.columns[1:],
        depends_on=(),
        source=mapping.source,
        transform=mapping.transform,
        load=loading,
    )
    return msgspec.structs.replace(mapping, second=second)


def keys(numbers: Iterable[int], prefix: str = "row") -> set[UUID]:
    """What `md5('row 1')::uuid` gives, for some numbers."""
    return {UUID(hashlib.md5(f"{prefix} {number}".encode(), usedforsecurity=False).hexdigest()) for number in numbers}
