"""`transfuse up --embedded` in one process, the operator's commands in others."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from shared.settings.addresses import PostgresAddress
from shared.settings.secret import Secret
from tests.harness import clinic
from tests.harness.command_line import said, started, transfuse
from tests.harness.installation import Installation
from transfuse.embedded.postgres_files import PASSWORD
from transfuse.exit_codes import ExitCode


async def heard(process: asyncio.subprocess.Process, words: str) -> list[str]:
    """The lines up to one that holds some words."""
    assert process.stdout is not None
    lines = []
    while line := (await process.stdout.readline()).decode():
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError("".join(lines))


@pytest.mark.timeout(110)
async def test_what_it_prints_is_enough_to_run_a_plan_beside_it(open_path: Path, tmp_path: Path) -> None:
    home = open_path / "home"
    installation = Installation(home=home, legacy="", target="", role_prefix="", bus_prefix="", rabbitmq=None)
    # A broker that the terminal happens to name is not used: the bus is in the process.
    async with started(installation, "up", "--embedded", RABBITMQ_URL="amqp://nowhere.invalid/") as up:
        lines = await heard(up, "The password is in")
        assert lines[-1].strip().endswith(str(home / "embedded" / PASSWORD))
        password = (home / "embedded" / PASSWORD).read_text(encoding="ascii")
        assert password not in "".join(lines)
        port = int(next(line for line in lines if "psql" in line).split("-p ")[1].split()[0])
        for database, statements in (("legacy", clinic.LEGACY), ("target", clinic.TARGET)):
            url = PostgresAddress(
                host="127.0.0.1", port=port, database=database, user="postgres", password=Secret(password.strip())
            ).url.reveal()
            await clinic.fill(url, statements)
        ran = await transfuse(installation, "run", clinic.written(tmp_path, clinic.PLAN))
        assert ran.code == ExitCode.OK, ran.text
        assert "balanced, nothing to look at: 4 rows" in ran.out
        second = await transfuse(installation, "up", "--embedded")
        assert second.code == ExitCode.FAILED
        assert "Traceback" not in second.text
        up.send_signal(signal.SIGINT)
        ended = await said(up)
    assert ended.code == ExitCode.OK, ended.err
    assert "The services have stopped." in ended.out
