"""A replay reads the rows that are asked for, with the values that were edited, also under a second snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from shared.core.run_options import ReplayChoice, RunOptions
from shared.core.states import RunKind
from shared.crypto.aad import edit_aad, row_aad
from shared.ledger import planning
from shared.ledger.runs import NewRun
from tests.integration.extractor.conftest import address_of
from tests.integration.extractor.extractor import (
    KEYRING,
    LEGACY,
    SECRET_NAMESPACE,
    TARGET,
    VERSIONS,
    Extractor,
    opened_extractor,
    plan_text,
)
from tests.ledgers.ledger import Ledger

BY_EMAIL = plan_text(key="p.email", namespace=SECRET_NAMESPACE)
CANARY = "Edited-Canary"


@pytest.fixture
async def extractor(ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str) -> AsyncIterator[Extractor]:
    await legacy.execute(LEGACY)
    await ledger.connection.execute(TARGET)
    async with opened_extractor(ledger, address_of(legacy_url)) as opened:
        yield opened


async def refused(extractor: Extractor, text: str, *keys: str) -> UUID:
    """A completed run of a plan that refused rows of these legacy keys."""
    run = await extractor.planned(text, batch_rows=50)
    connection = extractor.ledger.connection
    for number, legacy in enumerate(keys, start=1):
        await refuse(extractor, run, number, legacy)
    await connection.execute("update transfuse.run set state = 'finishing' where id = $1", run)
    await connection.execute("update transfuse.run set state = 'completed' where id = $1", run)
    return run


async def refuse(extractor: Extractor, run: UUID, number: int, legacy: str) -> None:
    connection, row = extractor.ledger.connection, uuid4()
    key = await planning.ensure_run_key(connection, KEYRING, run)
    aad = row_aad(run, row)
    await connection.execute(
        """insert into transfuse.quarantine
               (id, run_id, mapping, pass, seq, generation, stage, reasons, target_key, sealed_key, sealed_row)
           values ($1, $2, 'patients', 1, 1, 1, 'transform', '[{"code": "rule", "column": "good"}]', $3, $4, $5)""",
        *(row, run, UUID(int=number), key.seal(legacy.encode(), aad), key.seal(b"{}", aad)),
    )


async def edit(extractor: Extractor, run: UUID, number: int, column: str, value: str | None) -> None:
    """What the loader keeps of an edited value."""
    connection = extractor.ledger.connection
    row = await connection.fetchval("select id from transfuse.quarantine where target_key = $1", UUID(int=number))
    key = await planning.ensure_run_key(connection, KEYRING, run)
    sealed = key.seal(msgspec.json.encode(value), edit_aad(run, row, column, "new"))
    await connection.execute(
        """insert into transfuse.quarantine_edit
               (id, run_id, quarantine_id, mapping, target_key, "column", sealed_new, actor, reason)
           values ($1, $2, $3, 'patients', $4, $5, $6, 'ada', 'a reason')""",
        *(uuid4(), run, row, UUID(int=number), column, sealed),
    )


async def replay(extractor: Extractor, about: UUID, choice: ReplayChoice | None = None) -> UUID:
    """A replay of some rows, planned."""
    run = await extractor.ledger.runs.create(
        NewRun(
            migration="clinic",
            plan_hash=await extractor.ledger.connection.fetchval(
                "select plan_hash from transfuse.run where id = $1", about
            ),
            actor="tester",
            transfuse_version=VERSIONS.transfuse,
            kind=RunKind.REPLAY,
            options=RunOptions(replay=choice or ReplayChoice()),
            about=about,
        )
    )
    await extractor.plan(run)
    return run


async def read(extractor: Extractor) -> list[str]:
    """The first names that the replay's batches have."""
    rows = [(await extractor.rows(batch)).decode().splitlines() for batch in await extractor.dispatched()]
    return sorted(line.split(",")[2] for lines in rows for line in lines)


async def test_the_rows_that_wait_are_read_again_and_counted(extractor: Extractor) -> None:
    about = await refused(extractor, plan_text(), "3", "17", "99")
    run = await replay(extractor, about)
    assert await extractor.outcome(run) == ("running", "", "", "")
    connection = extractor.ledger.connection
    found = await connection.fetchrow(
        "select driving_rows, from_rows from transfuse.run_mapping where run_id = $1", run
    )
    assert tuple(found) == (2, 2)
    (warning,) = msgspec.json.decode(
        await connection.fetchval(
            """select jsonb_agg(w)::text from transfuse.run r, jsonb_array_elements(r.warnings) w
                where r.id = $1 and w ->> 'code' = 'not_in_source'""",
            run,
        )
    )
    assert "does not have 1 row of patients any more" in warning["message"]
    assert await read(extractor) == ["Name 17", "Name 3"]


async def test_one_row_is_replayed_alone(extractor: Extractor) -> None:
    about = await refused(extractor, plan_text(), "3", "17")
    row = await extractor.ledger.connection.fetchval(
        "select id from transfuse.quarantine where target_key = $1", UUID(int=2)
    )
    await replay(extractor, about, ReplayChoice(rows=(row,)))
    assert await read(extractor) == ["Name 17"]


async def test_edited_values_are_read_in_the_place_of_the_sources_and_stand_sealed_in_the_ledger(
    extractor: Extractor,
) -> None:
    about = await refused(extractor, plan_text(), "3", "17")
    await edit(extractor, about, 1, "p.first_name", "first thought")
    await edit(extractor, about, 1, "p.first_name", CANARY)
    run = await replay(extractor, about)
    rows = await extractor.ledger.connection.fetch(
        "select bounds, bounds_sealed from transfuse.batch where run_id = $1", run
    )
    assert len(rows) == 2
    assert {row["bounds_sealed"] for row in rows} == {True}
    assert not [row for row in rows if CANARY.encode() in row["bounds"]]
    assert await read(extractor) == [f'"{CANARY}"', "Name 17"]


async def test_an_edited_value_whose_key_is_gone_keeps_no_row_from_its_replay(extractor: Extractor) -> None:
    older = await refused(extractor, plan_text(), "3")
    await edit(extractor, older, 1, "p.first_name", CANARY)
    connection = extractor.ledger.connection
    await connection.execute("update transfuse.quarantine set resolution = 'replayed'")
    await connection.execute("delete from transfuse.run_key where run_id = $1", older)
    run = await replay(extractor, await refused(extractor, plan_text(), "3", "17"))
    assert await extractor.outcome(run) == ("running", "", "", "")
    warnings = await connection.fetchval("select warnings::text from transfuse.run where id = $1", run)
    assert [one["code"] for one in msgspec.json.decode(warnings)].count("edit_lost") == 1
    assert await read(extractor) == ["Name 17", "Name 3"]


async def test_an_edit_of_a_column_that_the_plan_does_not_read_is_refused(extractor: Extractor) -> None:
    about = await refused(extractor, plan_text(), "3")
    await edit(extractor, about, 1, "p.secret", "x")
    state, reason, message, remedy = await extractor.outcome(await replay(extractor, about))
    assert (state, reason) == ("failed", "edit_refused")
    assert "p.secret" in message
    assert remedy


async def test_a_replay_whose_snapshot_is_lost_goes_on_under_another(extractor: Extractor) -> None:
    about = await refused(extractor, BY_EMAIL, "p3@example.org", "p17@example.org")
    await edit(extractor, about, 1, "p.first_name", CANARY)
    run = await replay(extractor, about)
    extractor.holder.release(run)
    connection = extractor.ledger.connection
    await connection.execute("update transfuse.run set state = 'paused', snapshot = null where id = $1", run)
    await extractor.ledger.runs.resume(run, actor="tester")
    await extractor.plan(run)
    assert await extractor.outcome(run) == ("running", "", "", "")
    found = await connection.fetchrow(
        "select driving_rows, from_rows from transfuse.run_mapping where run_id = $1", run
    )
    assert tuple(found) == (2, 2)
    assert await read(extractor) == [f'"{CANARY}"', "Name 17"]


async def test_a_replay_of_nothing_says_so(extractor: Extractor) -> None:
    about = await refused(extractor, plan_text(), "3")
    await extractor.ledger.connection.execute("update transfuse.quarantine set resolution = 'discarded'")
    assert (await extractor.outcome(await replay(extractor, about)))[:2] == ("failed", "nothing_waits")
