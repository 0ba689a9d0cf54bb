"""A body that a message cannot carry is read from the ledger, and gone when its batch is settled."""

from __future__ import annotations

import msgspec
import pytest

from services.loader.finish import finish_run
from shared.core.counts import Counts
from shared.core.errors import BatchError
from shared.core.states import Stage
from shared.ledger.bodies import keep_body
from shared.ledger.settling import Claim
from shared.messages.data import LoadBatch, Reason, RefusedRow
from tests.loading.target import Body, Target, batch, program

PEOPLE = program("people", ("id", "name"))
SELECT = "select md5('row ' || g)::uuid, 'name ' || g from generate_series(1, 20) g"


@pytest.fixture
async def people(target: Target) -> Target:
    await target.connection.execute("create table people (id uuid primary key, name text not null)")
    return target


async def kept(target: Target, message: LoadBatch) -> LoadBatch:
    """The message whose body, and the one that the transformer read, the ledger keeps."""
    await keep_body(target.connection, message.batch, Stage.TRANSFORM, b"of the stage before")
    kept_id = await keep_body(target.connection, message.batch, Stage.LOAD, message.body)
    return msgspec.structs.replace(message, body=b"", body_id=kept_id)


async def left(target: Target) -> int:
    """Bodies that the ledger keeps."""
    found: int = await target.connection.fetchval("select count(*) from transfuse.body")
    return found


async def test_a_kept_body_is_loaded_and_both_bodies_of_the_batch_go_with_its_settlement(people: Target) -> None:
    run = await people.run({"people": PEOPLE}, batches=2)
    message = await kept(people, await people.message(batch(run, "people"), Body(select=SELECT)))
    other = await kept(people, await people.message(batch(run, "people", 2), Body(select=f"{SELECT} limit 0")))
    assert (await people.loader.load(message)).counts == Counts(read=20, loaded=20)
    assert await left(people) == 2
    assert (await people.loader.load(message)).claim is Claim.SETTLED
    assert (await people.loader.load(other)).counts == Counts()
    assert await left(people) == 0
    assert await people.connection.fetchval("select count(*) from people") == 20


async def test_the_bodies_stay_where_the_batch_does_not_settle(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    message = await kept(people, await people.message(batch(run, "people"), Body(select=SELECT)))
    await people.connection.execute("alter table people rename to persons")
    with pytest.raises(Exception, match="people"):
        await people.loader.load(message)
    assert await left(people) == 2


async def test_an_open_batch_without_its_body_is_an_attempt_that_failed(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    message = await kept(people, await people.message(batch(run, "people"), Body(select=SELECT)))
    await people.connection.execute("delete from transfuse.body")
    with pytest.raises(BatchError) as caught:
        await people.loader.load(message)
    assert caught.value.code == "body_missing"
    older = msgspec.structs.replace(message, batch=batch(run, "people", generation=7))
    assert (await people.loader.load(older)).claim is Claim.DROPPED


async def test_a_row_refused_for_its_size_is_in_quarantine_by_its_key(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    large = RefusedRow(
        legacy_key="7", target_key=bytes(16), reasons=(Reason(code="row_too_large"),), row=b'{"key.k0":"7"}'
    )
    assert (
        await people.load(batch(run, "people"), Body(select=f"{SELECT} limit 0", refused=(large,)))
    ).counts == Counts(read=1, quarantined=1)
    ((_, legacy_key, opened),) = await people.quarantined(run)
    assert (legacy_key, opened) == ("7", {"key.k0": "7"})


async def test_what_is_left_of_other_generations_goes_when_the_run_is_finished(people: Target) -> None:
    run = await people.run({"people": PEOPLE})
    await keep_body(people.connection, batch(run, "people", generation=9), Stage.TRANSFORM, b"never settled")
    await people.load(batch(run, "people"), Body(select=SELECT))
    await people.connection.execute("update transfuse.run set state = 'finishing' where id = $1", run)
    await finish_run(people.ledger.pool, run)
    assert await left(people) == 0
