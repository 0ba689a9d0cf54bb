"""The whole way: an account, a sign-in, a plan and its run over the API, moved by five processes; and who is silent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.harness import clinic
from tests.harness.command_line import said, started, transfuse
from tests.harness.databases import PREFIX, copied, filled
from tests.harness.installation import Installation, installed
from tests.harness.services import services
from transfuse.exit_codes import ExitCode
from transfuse.workspace import SERVICES

TEMPLATE = f"{PREFIX}remote_target"
EMAIL, PASSWORD = "ops@example.org", "correct horse battery"


@pytest.fixture
async def installation(postgres_server: str, rabbitmq_url: str, tmp_path: Path) -> AsyncIterator[Installation]:
    async def fill(url: str) -> None:
        await clinic.fill(url, clinic.TARGET)

    await filled(postgres_server, TEMPLATE, fill)
    async with copied(postgres_server) as legacy:
        await clinic.fill(legacy, clinic.LEGACY)
        async with installed(
            tmp_path, server=postgres_server, legacy=legacy, template=TEMPLATE, rabbitmq=rabbitmq_url
        ) as made:
            yield made


async def test_a_plan_runs_to_its_balance_from_somewhere_else(installation: Installation, tmp_path: Path) -> None:
    add = ("user", "add", EMAIL, "--role", "migration_manager", "--password-stdin")
    assert (await transfuse(installation, *add, typed=PASSWORD)).code == 0
    async with services(installation) as five:
        port = next(
            line["port"] for line in five.lines() if line["event"] == "listening" and line["service"] == "gateway"
        )
        elsewhere = Installation(
            home=tmp_path / "none", legacy="", target="", role_prefix="", bus_prefix="", rabbitmq=None
        )
        variables = {"TRANSFUSE_API": f"http://127.0.0.1:{port}", "XDG_CONFIG_HOME": str(tmp_path / "config")}
        login = ("login", "--email", EMAIL, "--password-stdin")
        assert (await transfuse(elsewhere, *login, typed=PASSWORD, **variables)).code == 0
        ran = await transfuse(elsewhere, "run", clinic.written(tmp_path, clinic.PLAN), **variables)
        assert ran.code == ExitCode.OK, ran.text
        assert "✓ balanced, nothing to look at: 4 rows in " in ran.out
        assert "Every row is accounted for." in ran.out
        here, there = await transfuse(installation, "status"), await transfuse(elsewhere, "status", **variables)
        assert (here.code, there.code) == (0, 0)
        assert here.out == there.out
    connection = await asyncpg.connect(installation.target)
    assert await connection.fetchval("select count(*) from people") == 4
    await connection.close()


async def test_a_run_that_nobody_takes_says_once_who_is_silent(installation: Installation, tmp_path: Path) -> None:
    async with started(installation, "run", clinic.written(tmp_path, clinic.PLAN)) as watching:
        assert watching.stdout is not None
        while "Nothing is heard of " not in (line := (await watching.stdout.readline()).decode()):
            assert line
        assert line == f"Nothing is heard of {', '.join(SERVICES)}. Start the services with: transfuse up --services\n"
        watching.terminate()
        assert "Nothing is heard of" not in (await said(watching)).out
