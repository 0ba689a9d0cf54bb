"""`transfuse audit` as an officer has it: a process, its exit code and what it says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.harness import clinic
from tests.harness.command_line import transfuse
from tests.harness.databases import copied
from tests.harness.installation import Installation, installed
from transfuse.exit_codes import ExitCode

APPEND = "select transfuse.append_audit('ada', 'admin', 'run.start', 'run', 'r', 'done', '', '', '{}')"
HEAD = re.compile(r"\d+:[0-9a-f]{64}")


@pytest.fixture
async def installation(postgres_server: str, tmp_path: Path) -> AsyncIterator[Installation]:
    async with copied(postgres_server) as legacy:
        await clinic.fill(legacy, clinic.LEGACY)
        async with installed(tmp_path, server=postgres_server, legacy=legacy) as made:
            yield made


@pytest.fixture
async def owner(installation: Installation) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the ledger, who may even change the audit."""
    connection = await asyncpg.connect(installation.target)
    yield connection
    await connection.close()


async def test_a_whole_chain_is_0_a_broken_one_2_and_one_that_is_out_of_reach_3(
    installation: Installation, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    for _ in range(3):
        await owner.fetchval(APPEND)
    whole = await transfuse(installation, "audit", "verify")
    assert whole.code == ExitCode.OK, whole.text
    assert "The audit is whole: 3 entries" in whole.out
    head = HEAD.search(whole.out)
    assert head is not None
    assert (await transfuse(installation, "audit", "verify", "--head", head[0])).code == ExitCode.OK

    await owner.execute("update transfuse.audit set actor = 'nobody' where seq = 2")
    broken = await transfuse(installation, "audit", "verify")
    assert broken.code == ExitCode.FAILED
    assert "The audit is broken. Entry 2 is not as it was written." in broken.out

    away = await transfuse(installation, "audit", "verify", "--home", str(tmp_path / "nowhere"))
    assert away.code == ExitCode.UNVERIFIED
    assert "Traceback" not in away.text


async def test_a_chain_written_anew_does_not_pass_through_the_head_that_was_kept(
    installation: Installation, owner: asyncpg.Connection
) -> None:
    await owner.fetchval(APPEND)
    head = HEAD.search((await transfuse(installation, "audit", "verify")).out)
    assert head is not None
    await owner.execute(
        """delete from transfuse.audit;
           update transfuse.audit_head set seq = 0, hash = decode(repeat('00', 32), 'hex')"""
    )
    await owner.fetchval(APPEND)
    assert (await transfuse(installation, "audit", "verify")).code == ExitCode.OK
    again = await transfuse(installation, "audit", "verify", "--head", head[0])
    assert again.code == ExitCode.FAILED
    assert "the chain was written anew" in again.out
    assert (await transfuse(installation, "audit", "verify", "--head", "17")).code == ExitCode.USAGE


async def test_entries_are_listed_youngest_first(installation: Installation, owner: asyncpg.Connection) -> None:
    await owner.fetchval(APPEND)
    await owner.fetchval(APPEND.replace("run.start", "run.cancel"))
    listed = await transfuse(installation, "audit", "list")
    assert listed.out.index("run.cancel") < listed.out.index("run.start")
    filtered = await transfuse(installation, "audit", "list", "--action", "run.start")
    assert "run.cancel" not in filtered.out
