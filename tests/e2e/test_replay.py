"""Refused rows come in after a fix: in the plan, in a code book, in the source, by an edited value, or by themselves."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from shared.ledger.snapshots import RunSnapshot
from tests.harness.clinic import fill
from tests.harness.command_line import Said, transfuse
from tests.harness.grove import rows, run, written
from tests.harness.infirmary import (
    DATE_MENDED,
    PEOPLE,
    PLAN,
    SHORTER,
    STATES,
    TOWN_FOUND,
    VISITORS,
    WITH_CODE,
    WITHOUT_RULE,
    infirmary,
)
from tests.harness.installation import Installation
from tests.harness.ledger import ledger_of
from tests.harness.servers import Servers
from transfuse.exit_codes import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
WHY = "The clinic has corrected it."
REFUSED = ["c|3", "d 4", "e5", "f6", "g7"]


async def first_run(installation: Installation) -> UUID:
    said, snapshot = await run(installation, text=PLAN)
    assert said.code == ExitCode.WARNINGS, said.text
    assert await states(installation, snapshot.run) == {
        ("lines", "waiting"): 2,
        ("people", "waiting"): 5,
        ("visits", "waiting"): 5,
    }
    return snapshot.run


async def replay(installation: Installation, *words: str) -> tuple[Said, RunSnapshot]:
    said = await transfuse(installation, "replay", *words)
    assert said.out.startswith("run "), said.text
    async with ledger_of(installation) as ledger:
        return said, await ledger.progress.read(UUID(said.out.split()[1]))


async def states(installation: Installation, found: UUID) -> dict[tuple[str, str], int]:
    connection = await asyncpg.connect(installation.target)
    try:
        return {(row[0], row[1]): row[2] for row in await connection.fetch(STATES, found)}
    finally:
        await connection.close()


async def refs(installation: Installation, code: str) -> UUID:
    """The waiting row of a person: the ledger knows its target key in clear, and no value of it."""
    found = await rows(
        installation.target,
        "select q.id from transfuse.quarantine q where q.mapping = 'people' and q.resolution = ''"  # noqa: S608 - constants
        f' and q.reasons @> \'[{{"column": "{code}"}}]\'',
    )
    assert len(found) == 1
    return UUID(str(found[0][0]))


async def people(installation: Installation) -> list[object]:
    return [row[0] for row in await rows(installation.target, PEOPLE)]


async def visitors(installation: Installation) -> list[object]:
    return [row[0] for row in await rows(installation.target, VISITORS)]


async def test_a_code_that_is_added_brings_in_its_rows_and_what_waited_for_them(servers: Servers) -> None:
    async with infirmary(servers) as (installation, _):
        about = await first_run(installation)
        plan = written(installation, WITH_CODE)
        said, replayed = await replay(installation, "--plan", plan, "--reason", "unknown_code", "--mapping", "people")
        assert said.code == ExitCode.WARNINGS, said.text
        assert await people(installation) == ["a'1", "b\\2", "c|3"]
        assert await visitors(installation) == ["a'1", "b\\2", "c|3"]
        assert await states(installation, about) == {
            ("lines", "waiting"): 2,
            ("people", "replayed"): 1,
            ("people", "waiting"): 4,
            ("visits", "replayed"): 1,
            ("visits", "replaced"): 4,
        }
        assert await states(installation, replayed.run) == {("visits", "waiting"): 4}
        assert {mapping.mapping: mapping.counts.loaded for mapping in replayed.mappings} == {"people": 1, "visits": 1}


async def test_everything_that_was_mended_comes_in_and_the_rest_waits_on(servers: Servers) -> None:
    async with infirmary(servers) as (installation, legacy):
        about = await first_run(installation)
        await fill(legacy, DATE_MENDED)
        said, second = await replay(installation, "--plan", written(installation, SHORTER))
        assert said.code == ExitCode.WARNINGS, said.text
        assert await people(installation) == ["a'1", "b\\2", "c|3", "d 4", "e5"]
        assert await visitors(installation) == ["a'1", "b\\2", "c|3", "d 4", "e5"]
        assert await rows(installation.target, "select count(*) from lines") == [(4,)]
        assert await states(installation, about) == {
            ("lines", "replayed"): 2,
            ("people", "replaced"): 2,
            ("people", "replayed"): 3,
            ("visits", "replaced"): 2,
            ("visits", "replayed"): 3,
        }
        edited = await refs(installation, "born")
        done = await transfuse(
            installation, "quarantine", str(second.run), "--edit", str(edited), "p.born=1990-01-06", "--why", WHY
        )
        assert done.code == ExitCode.OK, done.text
        assert "1990" not in done.text
        said, _ = await replay(installation, str(second.run), "--row", str(edited))
        assert (await rows(installation.target, PEOPLE))[5] == ("f6", "Six", "first", "1990-01-06")
        assert await visitors(installation) == ["a'1", "b\\2", "c|3", "d 4", "e5", "f6"]
        assert (await states(installation, about))["people", "replayed"] == 4


async def test_a_row_whose_parent_arrives_later_is_replayed_by_itself(servers: Servers) -> None:
    async with infirmary(servers) as (installation, legacy):
        about = await first_run(installation)
        await fill(legacy, TOWN_FOUND)
        said, _ = await run(installation, "--only", "towns", "--mode", "merge", text=WITHOUT_RULE)
        assert said.code in {ExitCode.OK, ExitCode.WARNINGS}, said.text
        assert await people(installation) == ["a'1", "b\\2", "g7"]
        assert await visitors(installation) == ["a'1", "b\\2", "g7"]
        found = await states(installation, about)
        assert (found["people", "replayed"], found["visits", "replayed"]) == (1, 1)
        async with ledger_of(installation) as ledger:
            runs = await ledger.connection.fetch("select kind, actor, state from transfuse.run order by created_at")
        assert [tuple(row)[0:3:2] for row in runs] == [
            ("migrate", "completed"), ("migrate", "completed"), ("replay", "completed")
        ]  # fmt: skip
        assert runs[-1]["actor"] == "transfuse"
