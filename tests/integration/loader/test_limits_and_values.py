"""A quarantine limit is checked whatever happens to the check, and no value of a refused row stops the run."""

from __future__ import annotations

import msgspec
import pytest

from services.loader.settlement import masked_row
from shared.core.redaction import Masked
from shared.messages.data import Reason, RefusedRow
from shared.plan.model import QuarantineLimit
from shared.runtime.failpoints import Action, FailpointReached, armed
from tests.loading.target import Body, Target, batch, program

LIMITED = program("rows", ("id", "name"), quarantine_limit=QuarantineLimit(rows=0, share=0))
REFUSED = RefusedRow(legacy_key="7", target_key=b"", reasons=(Reason(code="cast", column="name"),), row=b"{}")
ONE_REFUSED = Body(select="select gen_random_uuid(), 'a' where false", refused=(REFUSED,))
MAPPING_STATE = "select state from transfuse.run_mapping"


@pytest.fixture
async def ground(target: Target) -> Target:
    await target.connection.execute("create table rows (id uuid primary key, name text)")
    return target


async def test_a_limit_whose_check_was_killed_is_checked_when_the_message_comes_again(ground: Target) -> None:
    run = await ground.run({"rows": LIMITED})
    message = await ground.message(batch(run, "rows"), ONE_REFUSED)
    with armed("loader.after_commit", Action.RAISE), pytest.raises(FailpointReached):
        await ground.loader.load(message)
    assert await ground.connection.fetchval(MAPPING_STATE) != "paused"
    await ground.loader.load(message)
    assert await ground.connection.fetchval(MAPPING_STATE) == "paused"


async def test_a_mapping_that_is_complete_by_then_pauses_too(ground: Target) -> None:
    run = await ground.run({"rows": LIMITED})
    message = await ground.message(batch(run, "rows"), ONE_REFUSED)
    with armed("loader.after_commit", Action.RAISE), pytest.raises(FailpointReached):
        await ground.loader.load(message)
    await ground.connection.execute("update transfuse.run_mapping set state = 'complete'")
    await ground.loader.load(message)
    assert await ground.connection.fetchval(MAPPING_STATE) == "paused"


async def test_a_text_that_jsonb_cannot_hold_is_masked_even_in_a_clear_column(ground: Target) -> None:
    masked = masked_row(b'{"name": "a\\u0000b", "city": "Bonn"}', frozenset({"name", "city"}))
    assert masked == {"name": Masked(kind="text", length=3), "city": "Bonn"}
    await ground.connection.fetchval("select $1::jsonb", msgspec.json.encode(masked).decode())
