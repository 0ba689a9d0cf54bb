"""What is wrong is said clearly, with a remedy, and nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import msgspec
import pytest

from shared.core.states import RunState
from shared.ledger.runs import NewRun
from shared.plan.reader import read_plan
from tests.harness import clinic
from tests.harness.command_line import Said, transfuse
from tests.harness.databases import PREFIX, allow_reading, filled, url_of, with_place
from tests.harness.installation import Installation, installed
from tests.harness.ledger import ledger_of
from tests.harness.servers import Servers
from transfuse.embedded.postgres import EmbeddedPostgres, free_port
from transfuse.exit_codes import ExitCode
from transfuse.workspace import Workspace

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong in the plan, and what the message must name. `offline` mistakes are seen without a database."""

    old: str
    new: str
    words: tuple[str, ...]
    offline: bool = True


MISTAKES = {
    "unknown function": Mistake(old="name: p.name", new="name: shout(p.name)", words=("plan.yml:18:", "shout")),
    "unknown codebook": Mistake(old="codebook('kind'", new="codebook('sort'", words=("plan.yml:19:", "sort")),
    "repeated key": Mistake(
        old="      name: p.name\n", new="      name: p.name\n      name: p.kind\n", words=("plan.yml:19:", "name")
    ),
    "syntax error in yaml": Mistake(old="codebooks:\n", new="codebooks: [\n", words=("plan.yml:", ":")),
    "syntax error in an expression": Mistake(old="name: p.name", new="name: p.name ||", words=("plan.yml:18:",)),
    "syntax error in from": Mistake(
        old="from: person AS p", new="from: person AS p LEFT JOIN", words=("plan.yml:13:",)
    ),
    "unknown key of the language": Mistake(old="    key: p.id", new="    keys: p.id", words=("plan.yml:14:", "keys")),
    "two statements": Mistake(
        old="from: person AS p", new="from: person AS p; DELETE FROM person", words=("plan.yml:13:", "one SELECT")
    ),
    "not a select": Mistake(
        old="from: person AS p", new="from: (DELETE FROM person RETURNING *) AS p", words=("plan.yml:13:",)
    ),
    "side effect": Mistake(
        old="from: person AS p",
        new="from: person AS p JOIN LATERAL (SELECT counted() AS n) AS c ON true",
        words=("plan.yml:13:", "counted"),
    ),
    "side effect in pg_catalog": Mistake(
        old="from: person AS p",
        new="from: person AS p JOIN LATERAL (SELECT pg_sleep(1)) AS c ON true",
        words=("plan.yml:13:", "pg_sleep"),
    ),
    "unknown table": Mistake(old="from: person AS p", new="from: persons AS p", words=("persons",), offline=False),
    "unknown column": Mistake(old="name: p.name", new="name: p.nom", words=("plan.yml:18:", "nom"), offline=False),
    "unknown column of the target": Mistake(old="name: p.name", new="label: p.name", words=("label",), offline=False),
    "unlisted table": Mistake(old="  town: not moved\n", new="", words=("town",), offline=False),
    "a join that multiplies rows": Mistake(
        old="from: person AS p",
        new="from: person AS p LEFT JOIN visit AS v ON v.person_id = p.id",
        words=("people", "multiply"),
        offline=False,
    ),
    "a join that multiplies some rows and drops others": Mistake(
        old="from: person AS p",
        new="from: person AS p JOIN visit AS v ON v.person_id = p.id\n    excludes: expected",
        words=("people", "repeats"),
        offline=False,
    ),
    "a join that drops rows": Mistake(
        old="from: person AS p",
        new="from: person AS p JOIN town AS t ON t.id = p.town_id",
        words=("people", "1"),
        offline=False,
    ),
}
OFFLINE = [name for name, mistake in MISTAKES.items() if mistake.offline]


async def legacy_clinic(servers: Servers) -> str:
    return await allow_reading(
        await filled(servers.postgres, f"{PREFIX}clinic", lambda url: clinic.fill(url, clinic.LEGACY)), *clinic.TABLES
    )


@asynccontextmanager
async def clinic_installation(servers: Servers, legacy: str = "") -> AsyncIterator[Installation]:
    template = f"{PREFIX}clinic_target"
    await filled(servers.postgres, template, lambda url: clinic.fill(url, clinic.TARGET))
    async with installed(
        servers.folder(),
        server=servers.postgres,
        legacy=legacy or await legacy_clinic(servers),
        template=template,
    ) as installation:
        yield installation


def assert_refused(said: Said, *words: str) -> None:
    assert said.code == ExitCode.FAILED, said.text
    assert "Traceback" not in said.text
    assert "->" in said.text, said.text
    text = " ".join(said.text.split())
    for word in words:
        assert word in text, said.text


async def rows(installation: Installation) -> int:
    connection = await asyncpg.connect(installation.target)
    try:
        count: int = await connection.fetchval("select count(*) from people")
        return count
    finally:
        await connection.close()


async def calls(servers: Servers) -> int:
    """How often a plan has called the function that writes."""
    connection = await asyncpg.connect(url_of(servers.postgres, database=f"{PREFIX}clinic"))
    try:
        count: int = await connection.fetchval("select value from counter")
        return count
    finally:
        await connection.close()


@pytest.mark.parametrize("name", OFFLINE)
async def test_a_mistake_in_a_plan_is_seen_without_a_database(servers: Servers, name: str) -> None:
    mistake, folder = MISTAKES[name], servers.folder()
    plan = clinic.written(folder, clinic.changed(mistake.old, mistake.new))
    nowhere = Installation(home=folder, legacy="", target="", role_prefix="", bus_prefix="", rabbitmq=None)
    assert_refused(await transfuse(nowhere, "plan", "check", plan), *mistake.words)


async def test_mistakes_that_only_databases_show_are_refused_by_plan_check_connect(servers: Servers) -> None:
    async with clinic_installation(servers) as installation:
        for mistake in MISTAKES.values():
            if mistake.offline or mistake.words[0] == "people":
                continue
            plan = clinic.written(installation.home, clinic.changed(mistake.old, mistake.new))
            assert_refused(await transfuse(installation, "plan", "check", "--connect", plan), *mistake.words)


@pytest.mark.parametrize("name", list(MISTAKES))
async def test_a_run_of_a_bad_plan_is_refused_and_writes_nothing(servers: Servers, name: str) -> None:
    mistake = MISTAKES[name]
    async with clinic_installation(servers) as installation:
        plan = clinic.written(installation.home, clinic.changed(mistake.old, mistake.new))
        assert_refused(await transfuse(installation, "run", plan), *mistake.words)
        assert await rows(installation) == 0
        assert await calls(servers) == 0


async def test_the_code_no_is_a_text_like_any_other(servers: Servers) -> None:
    async with clinic_installation(servers) as installation:
        said = await transfuse(installation, "run", clinic.written(installation.home, clinic.PLAN))
        assert said.code == ExitCode.OK, said.text
        connection = await asyncpg.connect(installation.target)
        assert await connection.fetchval("select kind from people where legacy_id = 3") == "third"
        await connection.close()


async def test_a_legacy_database_that_cannot_be_reached_is_named(servers: Servers) -> None:
    legacy = with_place(await legacy_clinic(servers), "127.0.0.1", free_port())
    async with clinic_installation(servers, legacy) as installation:
        plan = clinic.written(installation.home, clinic.PLAN)
        for words in (("preflight",), ("plan", "check", "--connect"), ("run",)):
            assert_refused(await transfuse(installation, *words, plan), "legacy", "cannot be reached")
        assert await rows(installation) == 0


async def test_a_wrong_password_of_the_legacy_database_is_named_and_not_shown(servers: Servers) -> None:
    async with EmbeddedPostgres(servers.folder() / "legacy") as legacy:
        url = legacy.url().replace(legacy.url().split(":")[2].split("@")[0], "mistyped-word")
        async with clinic_installation(servers, url) as installation:
            plan = clinic.written(installation.home, clinic.PLAN)
            for words in (("preflight",), ("plan", "check", "--connect"), ("run",)):
                said = await transfuse(installation, *words, plan)
                assert_refused(said, "legacy", "password")
                assert "mistyped-word" not in said.text
            assert await rows(installation) == 0


async def test_a_target_without_its_tables_is_refused(servers: Servers) -> None:
    async with installed(
        servers.folder(), server=servers.postgres, legacy=await legacy_clinic(servers)
    ) as installation:
        plan = clinic.written(installation.home, clinic.PLAN)
        for words in (("plan", "check", "--connect"), ("run",)):
            assert_refused(await transfuse(installation, *words, plan), "people")


async def test_a_second_run_of_the_same_migration_is_refused_while_the_first_is_active(servers: Servers) -> None:
    async with clinic_installation(servers) as installation, ledger_of(installation) as ledger:
        path = clinic.written(installation.home, clinic.PLAN)
        plan = read_plan(installation.home / "plan.yml")
        await ledger.runs.register_plan(name=plan.name, hash=plan.hash, files=plan.files)
        await ledger.runs.register_migration(plan.name, plan_name=plan.name)
        first = await ledger.runs.create(
            NewRun(migration=plan.name, plan_hash=plan.hash, actor="tester", transfuse_version="0")
        )
        assert await ledger.runs.pause(first, actor="tester") is RunState.PAUSED
        assert_refused(await transfuse(installation, "run", path), "clinic", "active run")
        assert await ledger.youngest() == first
        assert await rows(installation) == 0


@pytest.mark.parametrize(
    "words", (("run",), ("run", "no-such-plan"), ("walk",), ("run", "plans/portal", "--batch-rows", "0"), ("up",))
)
async def test_wrong_use_of_the_command_line_is_64_and_shows_the_usage(
    servers: Servers, words: tuple[str, ...]
) -> None:
    nowhere = Installation(home=servers.folder(), legacy="", target="", role_prefix="", bus_prefix="", rabbitmq=None)
    said = await transfuse(nowhere, *words)
    assert said.code == ExitCode.USAGE, said.text
    assert "Usage" in said.text
    assert "Traceback" not in said.text


async def test_a_workspace_without_init_is_refused_with_the_variables_that_are_missing(servers: Servers) -> None:
    nowhere = Installation(home=servers.folder(), legacy="", target="", role_prefix="", bus_prefix="", rabbitmq=None)
    said = await transfuse(nowhere, "run", clinic.written(nowhere.home, clinic.PLAN))
    assert_refused(said, "DATABASE_URL")
    assert not (nowhere.home / Workspace(nowhere.home).services.name).exists()
