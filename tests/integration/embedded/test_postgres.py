"""The embedded PostgreSQL, started for real in folders of its own."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGKILL

import asyncpg
import pytest

from shared.core.errors import EmbeddedPostgresFailed
from transfuse.embedded import places, postgres
from transfuse.embedded.binaries import PACKAGE, binaries_in, shipped_binaries
from transfuse.embedded.identity import Identity
from transfuse.embedded.postgres import EmbeddedPostgres, free_port
from transfuse.embedded.programs import run_program

SMALL = {"shared_buffers": "16MB"}


@pytest.fixture
async def server(open_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(open_path / "a folder" / "postgres", settings=SMALL)
    yield made
    await made.stop()


async def ask(server: EmbeddedPostgres, question: str) -> object:
    connection = await asyncpg.connect(server.url(), command_timeout=10)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_what_is_written_is_there_after_a_restart_under_the_same_password(server: EmbeddedPostgres) -> None:
    await server.start()
    await ask(server, "create table kept as select 42 as answer")
    await server.stop()
    assert server.pid is None
    again = EmbeddedPostgres(server.home, settings=SMALL)
    async with again:
        assert await ask(again, "select answer from kept") == 42


async def test_it_never_runs_as_root_and_writes_with_fsync(server: EmbeddedPostgres) -> None:
    await server.start()
    assert server.pid is not None
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert await ask(server, "show fsync") == "on"
    assert await ask(server, "show synchronous_commit") == "on"
    assert await ask(server, "show wal_level") == "minimal"


async def test_it_listens_on_loopback_and_asks_for_the_password(server: EmbeddedPostgres) -> None:
    await server.start()
    assert await ask(server, "select inet_server_addr()::text") == "127.0.0.1/32"
    assert await ask(server, "show unix_socket_directories") == ""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://postgres:wrong@127.0.0.1:{server.port}/postgres")


async def test_the_password_can_be_read_by_its_owner_only(server: EmbeddedPostgres) -> None:
    await server.start()
    assert (server.home / "password").stat().st_mode & 0o777 == 0o600
    assert (server.home / "data").stat().st_mode & 0o077 == 0
    assert not list(server.home.glob("password.*"))


async def test_it_starts_after_a_crash_with_the_committed_rows(server: EmbeddedPostgres) -> None:
    await server.start()
    await ask(server, "create table kept as select 42 as answer")
    assert server.pid is not None
    os.kill(server.pid, SIGKILL)
    await server.start()
    assert await ask(server, "select answer from kept") == 42


async def test_a_pid_file_with_the_number_of_another_program_is_stale(server: EmbeddedPostgres) -> None:
    await server.start()
    await server.stop()
    pid_file = server.home / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{server.home / 'data'}\n0\n1\n\n127.0.0.1\n0\nready\n", encoding="ascii")
    await server.start()
    assert await ask(server, "select 1") == 1


async def test_a_server_whose_process_was_killed_is_stopped_before_ours_starts(server: EmbeddedPostgres) -> None:
    await server.start()
    left_over = server.pid
    assert server._lock is not None
    server._lock.close()  # what the kernel does for a killed process
    async with EmbeddedPostgres(server.home, settings=SMALL) as again:
        assert again.pid is not None
        assert again.pid != left_over
        assert await ask(again, "select 1") == 1


async def test_a_folder_in_use_is_refused_and_its_server_goes_on(server: EmbeddedPostgres) -> None:
    await server.start()
    other = EmbeddedPostgres(server.home, settings=SMALL)
    with pytest.raises(EmbeddedPostgresFailed, match="another process uses"):
        await other.start()
    await other.stop()
    assert await ask(server, "select 1") == 1


async def test_a_taken_port_is_named(open_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedPostgresFailed, match=f"port {port} is taken"):
            await EmbeddedPostgres(open_path / "postgres", port=port, settings=SMALL).start()


async def test_data_of_another_major_version_is_refused_and_left_as_it_is(server: EmbeddedPostgres) -> None:
    await server.start()
    await server.stop()
    version = server.home / "data" / "PG_VERSION"
    version.write_text("9.6\n", encoding="ascii")
    with pytest.raises(EmbeddedPostgresFailed, match=r"belongs to PostgreSQL 9\.6"):
        await server.start()
    assert version.read_text(encoding="ascii") == "9.6\n"


async def test_a_half_made_data_folder_is_made_again(server: EmbeddedPostgres, open_path: Path) -> None:
    half = open_path / "a folder" / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n", encoding="ascii")
    await server.start()
    assert await ask(server, "select 1") == 1


async def test_a_lost_password_is_said_and_nothing_is_overwritten(server: EmbeddedPostgres) -> None:
    await server.start()
    await server.stop()
    (server.home / "password").unlink()
    with pytest.raises(EmbeddedPostgresFailed, match="password is missing"):
        await server.start()
    assert (server.home / "data" / "PG_VERSION").exists()


async def test_the_servers_log_holds_no_statement_and_no_value(server: EmbeddedPostgres) -> None:
    await server.start()
    with pytest.raises(asyncpg.PostgresError):
        await ask(server, "select 'canary-4711'::text::int")
    with pytest.raises(asyncpg.PostgresError):
        await ask(server, "select * from canary_4711")
    assert "canary" not in (server.home / "server.log").read_text(encoding="utf-8")


async def test_letters_beyond_ascii_have_cases_and_order_is_by_code_point(server: EmbeddedPostgres) -> None:
    await server.start()
    assert await ask(server, "select lower('ÄÉ')") == "äé"
    assert await ask(server, "select array_agg(v order by v) from unnest(array['b','B','a','ä']) v") == [
        "B",
        "a",
        "b",
        "ä",
    ]


async def test_a_start_that_is_cancelled_leaves_no_server_and_no_lock(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def told(program: Path, *arguments: str, identity: Identity, timeout_seconds: float) -> int:
        begun.set()
        return await run_program(program, *arguments, identity=identity, timeout_seconds=timeout_seconds)

    await server.start()
    await server.stop()
    monkeypatch.setattr(postgres, "run_program", told)
    started = asyncio.get_running_loop().create_task(server.start())
    await begun.wait()
    started.cancel()
    with pytest.raises(asyncio.CancelledError):
        await started
    assert server.pid is None
    await server.start()
    assert await ask(server, "select 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another user")
async def test_root_gets_its_data_where_the_other_user_reaches_it(
    tmp_path: Path, open_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "OPEN_FOLDERS", (str(open_path),))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "postgres", settings=SMALL)
    async with server:
        assert (closed / "postgres").is_symlink()
        assert server.home.parent == open_path
        await ask(server, "create table kept as select 42 as answer")
    async with server:
        assert await ask(server, "select answer from kept") == 42


@pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another user")
async def test_root_copies_programs_that_the_other_user_cannot_run(tmp_path: Path, open_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    install = shipped_binaries().folder.parent
    shutil.copytree(install.parents[1] / f"{PACKAGE}.libs", closed / f"{PACKAGE}.libs")
    shutil.copytree(install, closed / PACKAGE / install.name, symlinks=True)
    hidden = binaries_in(closed / PACKAGE / install.name / "bin")
    async with EmbeddedPostgres(open_path / "postgres", settings=SMALL, binaries=hidden) as server:
        assert await ask(server, "select 1") == 1
        assert Path(f"/proc/{server.pid}/exe").resolve().is_relative_to(open_path)


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port()))
