"""`transfuse cleanup` as a process."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from tests.harness import clinic
from tests.harness.command_line import transfuse
from tests.harness.databases import copied
from tests.harness.installation import installed
from tests.ledgers.history import ELEVEN_RUNS
from transfuse.exit_codes import ExitCode


async def test_it_says_what_would_go_before_it_goes(postgres_server: str, tmp_path: Path) -> None:
    async with copied(postgres_server) as legacy:
        await clinic.fill(legacy, clinic.LEGACY)
        async with installed(tmp_path, server=postgres_server, legacy=legacy) as installation:
            owner = await asyncpg.connect(installation.target)
            await owner.execute(ELEVEN_RUNS)
            looked = await transfuse(installation, "cleanup", "--dry-run")
            assert looked.code == ExitCode.OK, looked.text
            assert "Nothing was removed" in looked.out
            assert await owner.fetchval("select count(*) from transfuse.batch") == 27_500
            cleaned = await transfuse(installation, "cleanup")
            assert cleaned.code == ExitCode.OK, cleaned.text
            assert await owner.fetchval("select count(*) from transfuse.batch") == 25_000
            for said in (looked, cleaned):
                assert "clinic" in said.out
                assert "2,500" in said.out
            assert "nothing to remove" in (await transfuse(installation, "cleanup")).out
            await owner.close()
