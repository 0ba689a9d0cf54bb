from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest

from shared.core.errors import BatchError
from shared.core.states import RunState
from shared.ledger.init import initialise
from shared.messages import ExtractBatch, RunChanged
from shared.settings import Secret
from tests.integration.extractor.conftest import RoleFactory, address_of
from tests.integration.extractor.extractor import LEGACY, TARGET, Extractor, opened_extractor, plan_text
from tests.ledgers.ledger import Ledger

KILL_HOLDER = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and state = 'idle in transaction'
"""


@pytest.fixture
async def extractor(ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str) -> AsyncIterator[Extractor]:
    await legacy.execute(LEGACY)
    await ledger.connection.execute(TARGET)
    async with opened_extractor(ledger, address_of(legacy_url)) as opened:
        yield opened


async def test_batches_hold_the_rows_of_the_snapshot_whatever_is_written_meanwhile(
    extractor: Extractor, legacy: asyncpg.Connection
) -> None:
    await extractor.planned(plan_text())
    await legacy.execute("update person set first_name = 'changed'; insert into person values (26, 'New', '', '')")
    await legacy.execute("delete from person where id < 20")
    texts = [await extractor.rows(batch) for batch in await extractor.dispatched()]
    assert b"".join(texts) == b"".join(b"%d,%d,Name %d,City\n" % (n, n, n) for n in range(1, 26))


async def test_a_batch_without_rows_still_travels(extractor: Extractor, legacy: asyncpg.Connection) -> None:
    run = await extractor.planned(plan_text())
    await extractor.ledger.runs.pause(run, actor="tester")
    await legacy.execute("delete from person where id between 11 and 20")
    await extractor.ledger.runs.resume(run, actor="tester", snapshot_lost=True)
    await extractor.plan(run)
    texts = [await extractor.rows(batch) for batch in await extractor.dispatched()]
    assert [text.count(b"\n") for text in texts] == [10, 0, 5]


async def test_a_batch_that_the_ledger_does_not_want_is_not_read(extractor: Extractor) -> None:
    run = await extractor.planned(plan_text())
    first, second, _ = await extractor.dispatched()
    await extractor.ledger.settle(first)
    assert await extractor.extract(first) == []
    assert await extractor.extract(msgspec.structs.replace(second, generation=2)) == []
    assert await extractor.extract(msgspec.structs.replace(second, seq=99)) == []
    await extractor.ledger.runs.pause(run, actor="tester")
    assert len(await extractor.extract(second)) == 1
    await extractor.ledger.runs.cancel(run, actor="tester")
    assert await extractor.extract(second) == []


async def test_a_lost_snapshot_pauses_the_run_once(extractor: Extractor, legacy: asyncpg.Connection) -> None:
    run = await extractor.planned(plan_text())
    first, second, _ = await extractor.dispatched()
    await legacy.execute(KILL_HOLDER)
    assert await extractor.extract(first) == [RunChanged(run=run, state=RunState.PAUSED, reason="snapshot_lost")]
    assert await extractor.extract(second) == []
    state, reason, _, remedy = await extractor.outcome(run)
    assert (state, reason) == ("paused", "snapshot_lost")
    assert "Resume the run" in remedy
    assert await extractor.ledger.runs.resume(run, actor="tester") is RunState.PLANNING
    await extractor.plan(run)
    assert sum([len(await extractor.extract(batch)) for batch in await extractor.dispatched()]) == 3


async def test_a_failed_attempt_is_counted_at_its_batch(extractor: Extractor) -> None:
    run = await extractor.planned(plan_text())
    batch, *_ = await extractor.dispatched()
    await extractor.handlers.extraction_failed(ExtractBatch(batch=batch), BatchError("", code="legacy_timeout"))
    row = await extractor.ledger.connection.fetchrow(
        "select state, attempts, reason from transfuse.batch where seq = 1"
    )
    assert (tuple(row), await extractor.ledger.state(run)) == (("planned", 1, "legacy_timeout"), "running")


async def test_only_the_columns_that_the_plan_uses_are_ever_read(
    ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str, new_role: RoleFactory
) -> None:
    role = await new_role("reader")
    await legacy.execute(LEGACY)
    await legacy.execute(f'grant select (id, first_name) on person to "{role}"')
    await legacy.execute(f'grant select (person_id, city, is_primary) on contact to "{role}"')
    await ledger.connection.execute(TARGET)
    async with opened_extractor(ledger, address_of(legacy_url, user=role, password="reader")) as extractor:
        run = await extractor.planned(plan_text())
        assert await extractor.outcome(run) == ("running", "", "", "")
        texts = [await extractor.rows(batch) for batch in await extractor.dispatched()]
        assert sum(text.count(b"\n") for text in texts) == 25
        assert b"secret" not in b"".join(texts)
        assert b"example.org" not in b"".join(texts)
    await legacy.execute(f'drop owned by "{role}"')


async def test_the_extractors_own_role_is_enough_at_the_ledger(
    ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str
) -> None:
    await legacy.execute(LEGACY)
    await ledger.connection.execute(TARGET)
    prefix = f"tf_{secrets.token_hex(4)}"
    await initialise(ledger.address, passwords={"extractor": "password"}, role_prefix=prefix)
    login = msgspec.structs.replace(ledger.address, user=f"{prefix}_extractor", password=Secret("password"))
    try:
        async with opened_extractor(ledger, address_of(legacy_url), login=login) as extractor:
            run = await extractor.planned(plan_text(), batch_rows=25)
            assert await extractor.outcome(run) == ("running", "", "", "")
            (batch,) = await extractor.dispatched()
            assert (await extractor.rows(batch)).count(b"\n") == 25
            await legacy.execute(KILL_HOLDER)
            assert len(await extractor.extract(batch)) == 1
            await ledger.runs.resume(run, actor="tester")
            await extractor.plan(run)
            assert (await extractor.outcome(run))[0] == "running"
            held = extractor.holder.held(run)
            assert held is not None
            assert await extractor.handlers.is_snapshot_wanted(run, held.snapshot)
    finally:
        await uninstall_roles(ledger, prefix)


async def uninstall_roles(ledger: Ledger, prefix: str) -> None:
    """Drop the roles and keep the ledger, which other tests use."""
    for service in ("gateway", "extractor", "transformer", "loader", "notifier"):
        for name in (f"{prefix}_{service}", f"{prefix}_{service}_rights"):
            await ledger.connection.execute(f'drop owned by "{name}"; drop role "{name}"')
