"""Batches through the handler, on a real ledger: what it reads, what it seals, what it tells."""

from __future__ import annotations

from uuid import UUID

import duckdb
import msgspec
import pytest

from services.transformer.engine import Engine
from services.transformer.handlers import Handlers
from shared.core.errors import BatchError, RunError, SealBroken, TransfuseError, VersionDiffers
from shared.core.ids import BatchRef
from shared.core.keys import key_uuid
from shared.core.states import Encoding, LoadMode, Stage
from shared.crypto.aad import batch_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger.bodies import body_id, keep_body, read_body
from shared.messages import LoadBatch, TransformBatch
from shared.messages.data import LoadBody
from shared.plan.compiled import CompiledPlan, encode_compiled
from tests.ledgers.ledger import Ledger, PlannedMapping
from tests.transforming.mappings import MOMENT, NAMESPACE, compiled, copied_csv, reasons

KEYRING = Keyring([bytes(range(32))])
KEY = RunKey(bytes(32))


@pytest.fixture
def handlers(ledger: Ledger, engine: Engine) -> Handlers:
    return Handlers(ledger=ledger.pool, keyring=KEYRING, engine=engine)


async def running(ledger: Ledger, *, duckdb_version: str = duckdb.__version__) -> BatchRef:
    """A run with one dispatched batch of a mapping that casts a text."""
    run = await ledger.running(PlannedMapping(name="people"))
    mapping = compiled({"a": "text"}, {"id": ("uuid", "key()"), "v": ("integer", "CAST(p.a AS INTEGER)")})
    plan = CompiledPlan(
        name="test",
        hash="",
        namespace=str(NAMESPACE),
        namespace_secret="",
        keys="uuid5",
        transfuse_version="",
        duckdb_version=duckdb_version,
        source_fingerprint="",
        target_fingerprint="",
        mappings=(mapping,),
    )
    await ledger.connection.execute(
        "update transfuse.run set compiled = $2, snapshot_at = $3, duckdb_version = $4 where id = $1",
        *(run, encode_compiled(plan), MOMENT, duckdb_version),
    )
    wrapped = KEYRING.wrap(KEY.data_key, run)
    await ledger.connection.execute(
        "insert into transfuse.run_key values ($1, $2) on conflict (run_id) do update set wrapped = $2", run, wrapped
    )
    await ledger.connection.execute("update transfuse.batch set state = 'dispatched' where run_id = $1", run)
    return BatchRef(run=run, mapping="people", seq=1, generation=1)


def extracted(batch: BatchRef, *values: str | None) -> TransformBatch:
    """What the extractor would send."""
    rows = [(str(number), value) for number, value in enumerate(values, start=1)]
    body = KEY.seal(copied_csv(rows), batch_aad(batch, Stage.TRANSFORM))
    return TransformBatch(batch=batch, mode=LoadMode.INSERT, row_count=len(rows), body=body)


async def handled(handlers: Handlers, message: TransformBatch) -> LoadBatch:
    """The one message that the handler yields."""
    (load,) = [yielded async for yielded in handlers.transform(message)]
    assert isinstance(load, LoadBatch)
    return load


async def test_a_batch_is_sealed_for_the_loader_with_its_counts(ledger: Ledger, handlers: Handlers) -> None:
    batch = await running(ledger)
    load = await handled(handlers, extracted(batch, "1", "x", None))
    body = msgspec.msgpack.decode(KEY.open_(load.body, batch_aad(batch, Stage.LOAD)), type=LoadBody)
    assert (load.batch, load.mode, load.encoding, load.row_count) == (batch, LoadMode.INSERT, Encoding.BINARY, 2)
    assert (body.row_count, body.legacy_keys, len(body.refused)) == (2, ("1", "3"), 1)
    with pytest.raises(SealBroken):
        KEY.open_(load.body, batch_aad(batch, Stage.TRANSFORM))
    step = "select transformed_at is not null from transfuse.batch where run_id = $1"
    assert await ledger.connection.fetchval(step, batch.run)


async def test_a_batch_without_rows_still_travels_on(ledger: Ledger, handlers: Handlers) -> None:
    assert (await handled(handlers, extracted(await running(ledger)))).row_count == 0


async def test_a_run_of_another_duckdb_is_left_to_a_transformer_that_has_it(ledger: Ledger, handlers: Handlers) -> None:
    message = extracted(await running(ledger, duckdb_version="0.0.1"), "1")
    with pytest.raises(VersionDiffers, match=r"with DuckDB 0\.0\.1, and this transformer is of Transfuse") as caught:
        await handled(handlers, message)
    await handlers.transform_failed(message, caught.value)
    row = await ledger.connection.fetchrow(
        """select b.state, b.attempts, b.not_before > clock_timestamp() as waits, r.state as run_state
             from transfuse.batch b join transfuse.run r on r.id = b.run_id"""
    )
    assert tuple(row) == ("planned", 0, True, "running")


async def test_a_run_of_another_transfuse_is_left_to_a_transformer_that_has_it(
    ledger: Ledger, handlers: Handlers
) -> None:
    message = extracted(await running(ledger), "1")
    await ledger.connection.execute("update transfuse.run set transfuse_version = '0.0.1', compiled = 'not readable'")
    with pytest.raises(VersionDiffers):
        await handled(handlers, message)


async def test_a_run_that_is_not_planned_has_no_plan(handlers: Handlers) -> None:
    with pytest.raises(RunError, match="no compiled plan"):
        await handled(handlers, extracted(BatchRef(run=UUID(int=1), mapping="people", seq=1, generation=1), "1"))


@pytest.mark.parametrize(
    ("error", "run_state", "batch_state"),
    (
        (RunError("a bug"), "failed", "dispatched"),
        (BatchError("a bad attempt"), "running", "planned"),
        (SealBroken("altered"), "running", "planned"),
    ),
)
async def test_the_class_of_an_error_decides_what_the_ledger_is_told(
    ledger: Ledger, handlers: Handlers, error: TransfuseError, run_state: str, batch_state: str
) -> None:
    batch = await running(ledger)
    await handlers.transform_failed(extracted(batch, "1"), error)
    assert await ledger.state(batch.run) == run_state
    assert await ledger.batch_states(batch.run) == {("people", 1): batch_state}


async def test_a_body_that_the_ledger_keeps_is_read_and_one_that_is_too_large_is_kept(
    ledger: Ledger, engine: Engine
) -> None:
    handlers = Handlers(ledger=ledger.pool, keyring=KEYRING, engine=engine, body_bytes=10)
    batch = await running(ledger)
    message = extracted(batch, "1", "2")
    kept_id = await keep_body(ledger.connection, batch, Stage.TRANSFORM, message.body)
    kept = msgspec.structs.replace(message, body=b"", body_id=kept_id)
    load, again = await handled(handlers, kept), await handled(handlers, kept)
    assert (load, load.body, load.body_id, load.row_count) == (again, b"", body_id(batch, Stage.LOAD), 2)
    assert load.body_id is not None
    sealed = await read_body(ledger.connection, load.body_id)
    assert sealed is not None
    body = msgspec.msgpack.decode(KEY.open_(sealed, batch_aad(batch, Stage.LOAD)), type=LoadBody)
    assert body.legacy_keys == ("1", "2")
    assert await ledger.connection.fetchval("select count(*) from transfuse.body where run_id = $1", batch.run) == 2


async def test_a_message_that_comes_when_its_batch_is_settled_is_dropped_and_an_open_one_counts(
    ledger: Ledger, handlers: Handlers
) -> None:
    batch = await running(ledger)
    message = msgspec.structs.replace(extracted(batch, "1"), body=b"", body_id=UUID(int=1))
    with pytest.raises(BatchError, match="does not have the rows"):
        await handled(handlers, message)
    await ledger.connection.execute("update transfuse.batch set state = 'settled' where run_id = $1", batch.run)
    assert [yielded async for yielded in handlers.transform(message)] == []


async def test_rows_that_are_too_large_are_refused_for_their_size_by_their_keys(
    ledger: Ledger, handlers: Handlers
) -> None:
    batch = await running(ledger)
    load = await handled(handlers, msgspec.structs.replace(extracted(batch, None, None), too_large=True))
    body = msgspec.msgpack.decode(KEY.open_(load.body, batch_aad(batch, Stage.LOAD)), type=LoadBody)
    assert (load.row_count, body.row_count, body.rows) == (0, 0, b"")
    assert [(row.legacy_key, row.row, reasons(row)) for row in body.refused] == [
        ("1", b'{"key.k0":"1"}', {("row_too_large", "")}),
        ("2", b'{"key.k0":"2"}', {("row_too_large", "")}),
    ]
    assert body.refused[0].target_key == key_uuid(NAMESPACE, "people:1").bytes
