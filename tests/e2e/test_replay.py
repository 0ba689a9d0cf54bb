"""Refused rows come in after a fix: in the plan, a code book, the source, by an edited value, or by themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import pytest

from shared.core.keys import key_name, key_uuid
from shared.core.states import RunState
from shared.ledger.snapshots import RunSnapshot
from tests.harness.clinic import fill
from tests.harness.command_line import Said, transfuse
from tests.harness.grove import rows, run, written
from tests.harness.infirmary import (
    DATE_MENDED,
    NAMESPACE,
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
from tests.harness.portal import PLAN as PORTAL
from tests.harness.portal import target_hash
from tests.harness.servers import Servers
from tests.harness.services import services
from tests.harness.tokens import token
from transfuse.exit_codes import ExitCode
from transfuse.workspace import Workspace

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


async def refs(installation: Installation, column: str, about_row: str = "") -> UUID:
    """The waiting row of a person that was refused for a column, the one of that code where several are."""
    found = await rows(
        installation.target,
        "select q.id, q.target_key from transfuse.quarantine q where q.mapping = 'people' and q.resolution = ''"  # noqa: S608 - constants
        f' and q.reasons @> \'[{{"column": "{column}"}}]\'',
    )
    key = key_uuid(UUID(NAMESPACE), key_name("people", [about_row])) if about_row else None
    (ref,) = [row[0] for row in found if key is None or UUID(str(row[1])) == key]
    return UUID(str(ref))


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
        words = ("quarantine", str(second.run), "--edit", str(edited), "p.born", "--why", WHY)
        done = await transfuse(installation, *words, typed="1990-01-06\n")
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


async def test_over_the_api_a_row_is_edited_replayed_and_the_rest_given_up(servers: Servers) -> None:
    async with (
        infirmary(servers, rabbitmq=True) as (installation, _),
        services(installation) as processes,
        ledger_of(installation) as ledger,
    ):
        about = await first_run(installation)
        secret = Workspace(installation.home).kept("gateway")["JWT_SECRET"]
        headers = {"Authorization": f"Bearer {token('admin', secret=secret)}"}
        async with aiohttp.ClientSession(processes.url("gateway"), headers=headers) as client:

            async def post(what: str, body: object) -> dict[str, Any]:
                async with client.post(f"/api/runs/{about}/{what}", json=body) as response:
                    document: dict[str, Any] = await response.json()
                    assert response.status in {200, 202}, document
                    return document

            ref = await refs(installation, "born", about_row="f6")
            await post(f"quarantine/{ref}/edit", {"column": "p.born", "value": "1990-01-06", "reason": WHY})
            run_id = UUID((await post("replay", {"rows": [str(ref)]}))["id"])
            replayed = await ledger.still(run_id)
            assert replayed.state is RunState.COMPLETED, replayed.message
            assert await people(installation) == ["a'1", "b\\2", "f6"]
            assert "f6" in await visitors(installation)
            given_up = await post("quarantine/discard", {"choice": {"all": True}, "reason": WHY})
            assert given_up["mappings"] == {"lines": 2, "people": 4, "visits": 4}
            async with client.get(f"/api/runs/{about}/status") as response:
                resolved = {row["mapping"]: row for row in (await response.json())["resolved"]}
            assert {name: (row["waiting"], row["replayed"], row["discarded"]) for name, row in resolved.items()} == {
                "lines": (0, 0, 2),
                "people": (0, 1, 4),
                "visits": (0, 1, 4),
            }
            assert resolved["people"]["loadedNow"] == 3
        assert "1990-01-06" not in await ledger.text()


async def test_a_replay_of_the_portal_without_a_fix_changes_nothing_and_balances(servers: Servers) -> None:
    async with servers.portal_installation(0.005) as installation, ledger_of(installation) as ledger:
        said = await transfuse(installation, "run", str(PORTAL))
        assert said.code == ExitCode.WARNINGS, said.text
        about, before = await ledger.youngest(), await target_hash(installation.target)
        said, replayed = await replay(installation)
        assert said.code == ExitCode.WARNINGS, said.text
        assert await target_hash(installation.target) == before
        assert all(balance.balances for balance in replayed.balances)
        found = (await ledger.progress.read(about)).resolved
        assert found
        assert all((row.waiting, row.replayed, row.discarded) == (0, 0, 0) and row.replaced for row in found)
        kinds = await ledger.connection.fetch("select kind from transfuse.run order by created_at")
        assert [row["kind"] for row in kinds] == ["migrate", "replay"]
