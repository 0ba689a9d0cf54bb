"""The commands of runs over the API of a gateway, as processes: signing in, starting, watching, and what goes wrong."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from shared.core.states import RunState
from tests.harness import clinic
from tests.harness.api import Api, gateway_on
from tests.harness.command_line import Said, said, started, transfuse
from tests.harness.installation import Installation
from tests.harness.ledger import until
from tests.harness.register import owner
from tests.harness.tokens import token
from tests.servers.proxy import Proxy
from transfuse.exit_codes import ExitCode
from transfuse.remote.address import api_address
from transfuse.remote.kept_session import SessionFile, session_file

EMAIL, PASSWORD = "ops@example.org", "correct horse battery"


class Remote:
    """A terminal somewhere with nothing but the address of a gateway."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api = api
        self.installation = Installation(
            home=folder / "none", legacy="", target="", role_prefix="", bus_prefix="", rabbitmq=None
        )
        self.variables = {"TRANSFUSE_API": api.url, "XDG_CONFIG_HOME": str(folder)}

    @property
    def file(self) -> SessionFile:
        return session_file(api_address(self.api.url), self.variables)

    async def __call__(self, *words: str, typed: str | None = None, **variables: str) -> Said:
        return await transfuse(self.installation, *words, typed=typed, **{**self.variables, **variables})

    def started(self, *words: str, **variables: str) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
        given = {**self.variables, **variables}
        return started(self.installation, *words, typed=False, **given)

    async def log_in(self, password: str = PASSWORD) -> Said:
        return await self("login", "--email", EMAIL, "--password-stdin", typed=f"{password}\n")


@pytest.fixture
async def remote(postgres_server: str, tmp_path: Path) -> AsyncIterator[Remote]:
    """Nobody is signed in yet; there is one account, an administrator."""
    async with gateway_on(postgres_server) as api:
        account = {"email": EMAIL, "role": "admin", "password": PASSWORD}
        async with api.client() as client, client.post("/api/users", json=account) as made:
            assert made.status == 201, await made.text()
        yield Remote(api, tmp_path)


@pytest.fixture
def plan(tmp_path: Path) -> str:
    return clinic.written(tmp_path, clinic.PLAN)


async def run_of(remote: Remote) -> UUID:
    async with owner(remote.api) as connection:
        found: UUID = await connection.fetchval("select id from transfuse.run order by created_at desc limit 1")
        return found


async def planning(remote: Remote, run: UUID) -> None:
    """Return when the dispatcher has asked for the run's planning, which nobody here does."""
    async with owner(remote.api) as connection:

        async def there() -> bool:
            state = await connection.fetchval("select state from transfuse.run where id = $1", run)
            return bool(state == RunState.PLANNING)

        await until(there)


async def test_a_sign_in_is_kept_for_its_owner_and_ends_with_the_sign_out(remote: Remote) -> None:
    before = await remote("status")
    assert before.code == ExitCode.FAILED
    assert f"Sign in with `transfuse login --api {remote.api.url}`." in before.err
    wrong = await remote.log_in("not the password")
    assert wrong.code == ExitCode.FAILED
    assert "transfuse: " in wrong.err
    assert remote.file.read() is None
    signed_in = await remote.log_in()
    assert (signed_in.code, signed_in.out) == (0, f"Signed in to {remote.api.url} as {EMAIL} (admin).\n")
    assert remote.file.path.stat().st_mode & 0o777 == 0o600
    session = remote.file.read()
    assert session is not None
    assert PASSWORD not in remote.file.path.read_text(encoding="utf-8")
    after = await remote("status")
    assert after.err == "transfuse: There is no run yet.\n  -> Start one with `transfuse run PLAN`.\n"
    out = await remote("logout", "--everywhere")
    assert (out.code, remote.file.read()) == (0, None)
    remote.file.write(session)
    replayed = await remote("status")
    assert replayed.code == ExitCode.FAILED
    assert "You are not signed in" in replayed.err
    for answer in (before, wrong, signed_in, after, out, replayed):
        for secret in (PASSWORD, session.access_token, *session.cookies.values()):
            assert secret not in answer.text


async def test_two_commands_that_renew_a_token_at_once_both_go_on(remote: Remote) -> None:
    await remote.log_in()
    session = remote.file.read()
    assert session is not None
    for _ in range(2):
        remote.file.write(msgspec.structs.replace(remote.file.read() or session, expires_at=0.0))
        answers = await asyncio.gather(remote("runs"), remote("runs"))
        assert [answer.code for answer in answers] == [0, 0], "".join(answer.text for answer in answers)
    renewed = remote.file.read()
    assert renewed is not None
    assert renewed.cookies != session.cookies


async def test_a_run_is_started_listed_shown_paused_resumed_and_cancelled(remote: Remote, plan: str) -> None:
    await remote.log_in()
    detached = await remote("run", plan, "--detach", "--batch-rows", "100", "--priority", "high")
    run = str(await run_of(remote))
    assert (detached.code, detached.err) == (0, "")
    assert f"run {run} of clinic" in detached.out
    assert f"transfuse status {run} --watch --api {remote.api.url}" in detached.out
    async with owner(remote.api) as connection:
        row = await connection.fetchrow("select priority, options, actor from transfuse.run")
    assert (row["priority"], row["actor"]) == (10, EMAIL)
    assert msgspec.json.decode(row["options"]) == {"batch_rows": 100}
    again = await remote("run", plan, "--detach")
    assert again.code == ExitCode.FAILED
    assert "has an active run" in again.err
    listed = await remote("runs")
    assert run in listed.out
    assert "clinic v1" in listed.out
    assert run in (await remote("runs", "--migration", "clinic", "--limit", "1")).out
    assert "no run yet" in (await remote("runs", "--migration", "nobody")).out
    assert (await remote("status")).out.startswith("clinic  ")
    await planning(remote, UUID(run))
    paused = await remote("pause")
    assert (paused.code, paused.out) == (
        0,
        f"The run is paused. Go on with: transfuse resume --api {remote.api.url}\n",
    )
    shown = await remote("status", run)
    assert shown.code == ExitCode.INTERRUPTED
    assert f"Paused by {EMAIL}" in shown.out
    async with remote.started("resume", run) as resuming:
        assert resuming.stdout is not None
        assert (await resuming.stdout.readline()).decode().startswith(f"run {run} goes on: ")
        cancelled = await remote("cancel", run)
        assert (cancelled.code, cancelled.out) == (0, "The run is cancelled. Rows that were loaded stay.\n")
        watched = await said(resuming)
    assert watched.code == ExitCode.FAILED
    assert "✗ cancelled: The run was cancelled." in watched.out
    assert (await remote("status")).code == ExitCode.FAILED


async def test_ctrl_c_ends_the_watching_and_leaves_the_run(remote: Remote, plan: str) -> None:
    await remote.log_in()
    async with remote.started("run", plan) as watching:
        assert watching.stdout is not None
        run = (await watching.stdout.readline()).decode().split()[1]
        assert (await watching.stdout.readline()).startswith((b"pending: ", b"planning: "))
        watching.send_signal(signal.SIGINT)
        ended = await said(watching)
    assert ended.code == ExitCode.INTERRUPTED
    assert f"The run goes on there. Look at it again with: transfuse status {run} --watch" in ended.out
    assert "Traceback" not in ended.text
    assert (await remote("status", run)).code == ExitCode.OK


async def test_neither_an_older_run_nor_an_older_text_is_taken_for_the_newest(remote: Remote, plan: str) -> None:
    await remote.log_in()
    await remote("run", plan, "--detach")
    first = str(await run_of(remote))
    await remote("cancel")
    Path(plan).write_text(clinic.PLAN + "# the second version\n", encoding="utf-8")
    assert (await remote("run", plan, "--detach")).code == 0
    assert "clinic v2" in (await remote("runs", "--limit", "1")).out
    for verb in ("cancel", "resume"):
        answer = await remote(verb, first)
        assert answer.code == ExitCode.FAILED
        assert f"The run {first} is over" in answer.err
    assert (await remote("status")).code == ExitCode.OK
    await remote("cancel")
    Path(plan).write_text(clinic.PLAN, encoding="utf-8")
    answer = await remote("run", plan, "--detach")
    assert answer.code == ExitCode.FAILED
    assert "version 1 of the plan; the gateway runs the newest, which is 2" in answer.err


async def test_what_a_role_may_not_do_is_refused_with_the_permission_that_is_missing(remote: Remote, plan: str) -> None:
    answer = await remote("run", plan, "--detach", TRANSFUSE_TOKEN=token("viewer"))
    assert answer.code == ExitCode.FAILED
    assert "may not do that" in answer.err
    assert "migration:plan" in answer.err
    async with owner(remote.api) as connection:
        assert await connection.fetchval("select count(*) from transfuse.plan") == 0
    bad = await remote("runs", TRANSFUSE_TOKEN=token("viewer", secret="another secret that is long enough for hs256"))
    assert bad.code == ExitCode.FAILED
    assert "TRANSFUSE_TOKEN" in bad.err
    assert (await remote("runs", TRANSFUSE_TOKEN=token("viewer"))).code == 0


async def test_wrong_use_of_the_address_sends_nothing(remote: Remote) -> None:
    far = await remote("runs", TRANSFUSE_API="http://portal.example.org", TRANSFUSE_TOKEN="t")
    assert far.code == ExitCode.FAILED
    assert "https://" in far.err
    nobody = await remote("runs", "--api", "http://127.0.0.1:9", TRANSFUSE_TOKEN="t")
    assert nobody.code == ExitCode.FAILED
    assert "http://127.0.0.1:9 does not answer." in nobody.err
    without = await remote("login", "--password-stdin", typed="x")
    assert without.code == ExitCode.USAGE


async def test_a_gateway_that_goes_away_is_waited_for_while_watching(remote: Remote, plan: str) -> None:
    address = api_address(remote.api.url)
    async with Proxy(address.host, address.port) as proxy:
        origin = f"http://127.0.0.1:{proxy.port}"
        words = ("run", plan, "--api", origin)
        async with remote.started(*words, TRANSFUSE_TOKEN=token("admin")) as watching:
            assert watching.stdout is not None
            run = (await watching.stdout.readline()).decode().split()[1]
            await planning(remote, UUID(run))
            proxy.refuse(refuse=True)
            while not (line := (await watching.stdout.readline()).decode()).startswith("waiting: "):
                assert line
            assert line == f"waiting: {origin} does not answer.\n"
            proxy.refuse(refuse=False)
            assert (await remote("cancel", run, TRANSFUSE_TOKEN=token("admin"))).code == 0
            ended = await said(watching)
        assert ended.code == ExitCode.FAILED
        assert "✗ cancelled" in ended.out
