"""The commands as their users have them, against a tiny pair of databases and a ledger without services."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from shared.core.states import RunState
from shared.ledger.runs import NewRun
from shared.plan.reader import read_plan
from tests.harness import clinic
from tests.harness.command_line import said, started, transfuse
from tests.harness.databases import PREFIX, copied, filled
from tests.harness.installation import Installation, installed
from tests.harness.ledger import ledger_of
from transfuse.exit_codes import ExitCode

TEMPLATE = f"{PREFIX}commands_target"
KEYS = "select legacy_id::text, id::text from people"


@pytest.fixture
async def installation(postgres_server: str, tmp_path: Path) -> AsyncIterator[Installation]:
    async def fill(url: str) -> None:
        await clinic.fill(url, clinic.TARGET)

    await filled(postgres_server, TEMPLATE, fill)
    async with copied(postgres_server) as legacy:
        await clinic.fill(legacy, clinic.LEGACY)
        async with installed(tmp_path, server=postgres_server, legacy=legacy, template=TEMPLATE) as made:
            yield made


@pytest.fixture
def plan(tmp_path: Path) -> str:
    return clinic.written(tmp_path, clinic.PLAN)


async def run_in(installation: Installation, plan: str, state: RunState) -> UUID:
    """A run in the ledger that stands in some state."""
    async with ledger_of(installation) as ledger:
        read = read_plan(Path(plan))
        await ledger.runs.register_plan(name=read.name, hash=read.hash, files=read.files)
        await ledger.runs.register_migration(read.name, plan_name=read.name)
        new = NewRun(migration=read.name, plan_hash=read.hash, actor="[red]x[/]", transfuse_version="0")
        run = await ledger.runs.create(new)
        finishing = () if state in {RunState.PAUSED, RunState.RUNNING} else (RunState.FINISHING,)
        for step in (RunState.PLANNING, RunState.RUNNING, *finishing, state):
            await ledger.connection.execute("update transfuse.run set state = $2 where id = $1", run, step.value)
        return run


async def test_without_a_run_it_says_how_to_start_one(installation: Installation) -> None:
    answer = await transfuse(installation, "status")
    assert answer.code == ExitCode.FAILED
    assert answer.err == "transfuse: There is no run yet.\n  -> Start one with `transfuse run PLAN`.\n"
    listed = await transfuse(installation, "runs")
    assert (listed.code, listed.out.strip()) == (0, "There is no run yet. Start one with: transfuse run PLAN")


async def test_a_run_that_has_ended_is_neither_resumed_nor_cancelled(installation: Installation, plan: str) -> None:
    run = str(await run_in(installation, plan, RunState.COMPLETED))
    for verb, word in (("resume", "resumed"), ("cancel", "cancelled"), ("pause", "paused")):
        answer = await transfuse(installation, verb, run)
        assert answer.code == ExitCode.FAILED
        assert f"A run that is completed cannot be {word}." in answer.err
        assert "Traceback" not in answer.text
    listed = await transfuse(installation, "runs")
    assert run in listed.out
    assert "[red]x[/]" in listed.out


async def test_status_of_a_paused_run_is_130_and_of_an_unknown_one_2(installation: Installation, plan: str) -> None:
    await run_in(installation, plan, RunState.PAUSED)
    paused = await transfuse(installation, "status", "--watch")
    assert paused.code == ExitCode.INTERRUPTED
    assert "clinic  paused" in paused.out
    unknown = await transfuse(installation, "status", str(UUID(int=7)))
    assert unknown.code == ExitCode.FAILED
    assert "Traceback" not in unknown.text


async def test_ctrl_c_leaves_a_watched_run_alone_and_ends_with_130(installation: Installation, plan: str) -> None:
    await run_in(installation, plan, RunState.RUNNING)
    async with started(installation, "status", "--watch") as watching:
        assert watching.stdout is not None
        assert (await watching.stdout.readline()).startswith(b"running: ")
        watching.send_signal(signal.SIGINT)
        ended = await said(watching)
    assert ended.code == ExitCode.INTERRUPTED
    assert "Traceback" not in ended.text
    assert (await transfuse(installation, "status")).out.startswith("clinic  running")


async def test_a_plan_is_checked_and_explained_against_both_databases(installation: Installation, plan: str) -> None:
    checked = await transfuse(installation, "plan", "check", "--connect", plan)
    assert (checked.code, checked.out) == (0, "✓ clinic: 1 mappings, 1 codebooks, sound against both databases\n")
    explained = await transfuse(installation, "plan", "explain", plan, "--mapping", "people")
    assert explained.code == 0
    for words in ("people -> public.people", "person", "wave 0"):
        assert words in explained.out
    unknown = await transfuse(installation, "plan", "explain", plan, "--mapping", "nobody")
    assert unknown.code == ExitCode.FAILED
    assert "no mapping nobody" in unknown.err


async def test_the_hash_follows_the_mapped_columns_or_with_all_columns_every_one(
    installation: Installation, plan: str
) -> None:
    async def hashed(*words: str) -> str:
        answer = await transfuse(installation, "hash", plan, *words)
        assert answer.code == 0, answer.err
        return answer.out.splitlines()[-1]

    await clinic.fill(installation.target, "alter table people add column note text")
    await clinic.fill(installation.target, "insert into people (id, legacy_id) values (gen_random_uuid(), 1)")
    before = (await hashed(), await hashed("--all-columns"))
    await clinic.fill(installation.target, "update people set note = 'x'")
    assert await hashed() == before[0]
    assert await hashed("--all-columns") != before[1]


async def test_a_key_is_the_one_that_a_run_loads(installation: Installation, plan: str) -> None:
    await clinic.fill(installation.legacy, "delete from person where id > 2")
    ran = await transfuse(installation, "run", plan)
    assert ran.code == ExitCode.OK, ran.text
    connection = await asyncpg.connect(installation.target)
    loaded = {row["legacy_id"]: row["id"] for row in await connection.fetch(KEYS)}
    await connection.close()
    assert len(loaded) == 2
    for legacy_id, key in loaded.items():
        answer = await transfuse(installation, "key", "people", legacy_id, "--plan", plan)
        assert answer.out.strip() == key
    for words in (("people", "x1"), ("people", "1", "2"), ("nobody", "1")):
        refused = await transfuse(installation, "key", *words, "--plan", plan)
        assert refused.code == ExitCode.FAILED
        assert "Traceback" not in refused.text
