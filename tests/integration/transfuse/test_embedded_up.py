"""`transfuse up --embedded` in one process, the operator's commands in others."""

from __future__ import annotations

import signal
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from shared.settings.addresses import PostgresAddress
from shared.settings.secret import Secret
from tests.harness import clinic
from tests.harness.command_line import heard, said, started, transfuse
from tests.harness.installation import Installation
from tests.harness.ledger import until
from tests.harness.sockets import Client
from tests.harness.tokens import token
from transfuse.embedded.postgres_files import PASSWORD
from transfuse.exit_codes import ExitCode
from transfuse.workspace import Workspace


async def healthy(client: aiohttp.ClientSession, secret: str) -> None:
    """Return when every service has reported that it reaches what it needs."""
    headers = {"Authorization": f"Bearer {token('viewer', secret=secret)}"}

    async def connected() -> bool:
        async with client.get("/api/health", headers=headers) as response:
            assert response.status in {200, 503}, await response.text()
            return response.status == 200

    await until(connected, 20)


async def phase_by_socket(url: str, secret: str, migration: str) -> str | None:
    """What the notifier says of a migration to who subscribes to it at the API's own port."""
    client = Client()
    try:
        assert await client.connect(url, token("viewer", secret=secret), headers={"Origin": url})
        assert await client.ask("migration:subscribe", migration) == {"ok": True}
        await client.until(lambda: client.count("migration:progress") > 0)
        return client.state_of(UUID(migration))
    finally:
        await client.close()


async def says_the_same(client: aiohttp.ClientSession, secret: str, printed: str) -> str:
    """The API has the verdict that the terminal printed, and a report that proves it. Returns the migration's id."""
    headers = {"Authorization": f"Bearer {token('viewer', secret=secret)}"}
    async with client.get("/api/migrations", headers=headers) as response:
        (migration,) = (await response.json())["migrations"]
    async with client.get(f"/api/migrations/{migration['id']}/status", headers=headers) as response:
        status = await response.json()
    assert (status["status"], status["progress"]["percentage"]) == ("completed", 100.0)
    assert f"{status['verdict']['headline']} {status['verdict']['detail']}" in printed
    report = f"/api/runs/{status['runId']}/report"
    async with client.get(report, headers=headers) as response:
        proofs = {proof["code"]: proof["state"] for proof in (await response.json())["evidence"]}
    assert {proofs[code] for code in ("snapshot", "counted_before", "counted_while_writing", "audit")} == {"holds"}
    async with client.get(report, headers={**headers, "Accept": "text/html"}) as response:
        assert "every one is accounted for" in await response.text()
    return str(migration["id"])


@pytest.mark.timeout(110)
async def test_what_it_prints_is_enough_to_run_a_plan_beside_it(open_path: Path, tmp_path: Path) -> None:
    home = open_path / "home"
    installation = Installation(home=home, legacy="", target="", role_prefix="", bus_prefix="", rabbitmq=None)
    # A broker that the terminal happens to name is not used: the bus is in the process.
    async with started(installation, "up", "--embedded", RABBITMQ_URL="amqp://nowhere.invalid/", API_PORT="0") as up:
        lines = await heard(up, "The password of PostgreSQL is in")
        assert lines[-1].strip().endswith(str(home / "embedded" / PASSWORD))
        password = (home / "embedded" / PASSWORD).read_text(encoding="ascii")
        assert password not in "".join(lines)
        port = int(next(line for line in lines if "psql" in line).split("-p ")[1].split()[0])
        for database, statements in (("legacy", clinic.LEGACY), ("target", clinic.TARGET)):
            url = PostgresAddress(
                host="127.0.0.1", port=port, database=database, user="postgres", password=Secret(password.strip())
            ).url.reveal()
            await clinic.fill(url, statements)
        assert any("first account: transfuse user add" in line for line in lines)
        api = next(line for line in lines if "The dashboard is at" in line).split(" at ")[1].strip()
        async with aiohttp.ClientSession(api) as client:
            async with client.get("/api/openapi.json") as response:
                assert response.status == 200
            async with client.get("/api/migrations") as response:
                assert response.status == 401
            secret = Workspace(home).environment("gateway", {})["JWT_SECRET"]
            await healthy(client, secret)
            async with client.get("/api/config") as response:
                assert (await response.json())["socketUrl"] is None, "sockets are where the page is"
        ran = await transfuse(installation, "run", clinic.written(tmp_path, clinic.PLAN))
        assert ran.code == ExitCode.OK, ran.text
        assert "balanced, nothing to look at: 4 rows" in ran.out
        async with aiohttp.ClientSession(api) as client:
            migration = await says_the_same(client, secret, ran.out)
        assert await phase_by_socket(api, secret, migration) == "completed"
        second = await transfuse(installation, "up", "--embedded")
        assert second.code == ExitCode.FAILED
        assert "Traceback" not in second.text
        up.send_signal(signal.SIGINT)
        ended = await said(up)
    assert ended.code == ExitCode.OK, ended.err
    assert "The services have stopped." in ended.out
