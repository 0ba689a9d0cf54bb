"""The finder of servers itself: what `make test` says and leaves behind."""

import asyncio
import os
import shutil
import sys
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.servers import discovery, packages
from tests.servers.discovery import servers
from tests.servers.errors import ServersMissingError
from tests.servers.own import OWN_SERVERS
from tests.servers.process import OwnProcess
from transfuse.embedded.postgres import free_port

SLEEP = shutil.which("sleep") or ""


class FakeServer:
    """Takes the place of an own server; notes what happens to it."""

    log: list[str]

    def __init__(self, folder: Path) -> None:
        self.url = "redis://127.0.0.1:1/0"

    async def start(self) -> None:
        self.log.append("start")

    async def stop(self) -> None:
        self.log.append("stop")


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    FakeServer.log = []
    for kind in tuple(OWN_SERVERS):
        monkeypatch.setitem(OWN_SERVERS, kind, FakeServer)
    monkeypatch.setenv("TRANSFUSE_TEST_DISCOVERY", "own")
    monkeypatch.setattr(discovery, "installed", lambda kind: Path("/bin/true"))
    return FakeServer.log


async def test_own_servers_are_stopped_when_the_command_fails(tmp_path: Path, fakes: list[str]) -> None:
    with pytest.raises(LookupError):
        async with servers(tmp_path):
            raise LookupError
    assert fakes == ["start"] * 3 + ["stop"] * 3


async def test_the_command_gets_one_variable_per_server(tmp_path: Path, fakes: list[str]) -> None:
    async with servers(tmp_path) as variables:
        assert sorted(variables) == ["TRANSFUSE_TEST_POSTGRES", "TRANSFUSE_TEST_RABBITMQ", "TRANSFUSE_TEST_REDIS"]


async def test_two_runs_do_not_share_own_servers(tmp_path: Path, fakes: list[str]) -> None:
    async with servers(tmp_path):
        with pytest.raises(ServersMissingError, match="Another test run"):
            async with servers(tmp_path):
                pass


async def test_a_named_server_that_refuses_us_is_an_error_and_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRANSFUSE_TEST_DISCOVERY", raising=False)
    monkeypatch.setenv("TRANSFUSE_TEST_POSTGRES", f"postgresql://canary:canary@127.0.0.1:{free_port()}/postgres")
    with pytest.raises(ServersMissingError, match="TRANSFUSE_TEST_POSTGRES names a server") as caught:
        async with servers(tmp_path):
            pass
    assert "canary" not in str(caught.value)


def test_what_is_to_be_installed_is_said_to_an_ordinary_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ServersMissingError, match="apt-get install rabbitmq-server redis-server"):
        packages.install(["rabbitmq", "redis"])


async def test_a_server_that_ends_at_its_start_is_reported_at_once(tmp_path: Path) -> None:
    process = OwnProcess("Quitter", tmp_path / "quitter")
    await process.clear()
    await process.start("/bin/sh", "-c", "exit 1", environ={})
    assert process._process is not None
    await process._process.wait()

    async def never(url: str) -> str | None:
        return "no"

    with pytest.raises(ServersMissingError, match="Quitter ended at its start"):
        await process.until_it_accepts(f"redis://127.0.0.1:{free_port()}", never)
    await process.stop()


async def test_what_a_killed_run_left_running_is_ended(tmp_path: Path) -> None:
    left = OwnProcess("Sleeper", tmp_path / "sleeper")
    await left.clear()
    await left.start(SLEEP, "600", environ={})
    assert left._process is not None
    await OwnProcess("Sleeper", tmp_path / "sleeper").clear()
    assert await left._process.wait() == -9
    await left.stop()


async def test_a_process_of_somebody_else_under_our_old_number_is_left_alone(tmp_path: Path) -> None:
    stranger = await asyncio.create_subprocess_exec(SLEEP, "600", cwd="/", start_new_session=True)
    (tmp_path / "sleeper.pid").write_text(str(stranger.pid), encoding="ascii")
    await OwnProcess("Sleeper", tmp_path / "sleeper").clear()
    assert stranger.returncode is None
    stranger.terminate()
    assert await stranger.wait() == -SIGTERM


async def test_the_commands_exit_code_is_ours() -> None:
    command = [sys.executable, "-m", "tests.servers", sys.executable, "-c", "raise SystemExit(7)"]
    environ = {name: value for name, value in os.environ.items() if name != "TRANSFUSE_TEST_DISCOVERY"}
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 7
