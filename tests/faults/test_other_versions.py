"""A service of another version beside those of a run: during an update, or after one that was not finished."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from shared.core.states import RunState
from tests.harness.command_line import said, started
from tests.harness.installation import Installation
from tests.harness.ledger import LedgerView, ledger_of, until
from tests.harness.one_service import lines_of, one_service
from tests.harness.servers import Servers
from tests.harness.services import services
from tests.harness.ward import SMALL_BATCHES, ward
from transfuse.exit_codes import ExitCode
from transfuse.workspace import Workspace

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
OTHER = "0.0.9"


@pytest.mark.parametrize("service", ("extractor", "transformer", "loader"))
async def test_a_service_of_another_version_leaves_the_batches_of_a_run_to_those_of_its_own(
    servers: Servers, tmp_path: Path, service: str
) -> None:
    log = tmp_path / "other.log"
    async with AsyncExitStack() as stack:
        installation, _ = await stack.enter_async_context(ward(servers, rabbitmq=True))
        await stack.enter_async_context(services(installation))
        ledger = await stack.enter_async_context(ledger_of(installation))
        async with one_service(service, of_another_version(installation, service, tmp_path), log):
            plan = str(installation.home / "plan.yml")
            command = await stack.enter_async_context(started(installation, "run", plan, *SMALL_BATCHES))
            run = await ledger.youngest()
            detail = await told_of_versions(ledger, run)
        assert detail["service"] == service
        assert detail["own"].startswith(f"Transfuse {OTHER}")
        assert any(line.get("code") == "version_differs" for line in lines_of(log)), log.read_text(encoding="utf-8")
        done = await said(command)
        assert done.code == ExitCode.OK, done.text
        ended = await ledger.progress.read(run)
        assert ended.state is RunState.COMPLETED
        assert all(balance.balances for balance in ended.balances)
        assert await ledger.connection.fetchval("select max(attempts) from transfuse.batch where run_id = $1", run) == 0


def of_another_version(installation: Installation, service: str, folder: Path) -> dict[str, str]:
    """What a service starts with that takes itself for another version: its package says so."""
    package = folder / f"transfuse-{OTHER}.dist-info"
    package.mkdir()
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: transfuse\nVersion: {OTHER}\n", encoding="utf-8")
    found = Workspace(installation.home).environment(service, installation.environment())
    return {**found, "PORT": "0", "PYTHONPATH": str(folder)}


async def told_of_versions(ledger: LedgerView, run: UUID) -> dict[str, str]:
    """What the run's history says, once it says that a service left its work."""
    statement = "select detail from transfuse.run_event where run_id = $1 and kind = 'version_differs'"

    async def there() -> bool:
        return await ledger.connection.fetchval(statement, run) is not None

    await until(there)
    return msgspec.json.decode(await ledger.connection.fetchval(statement, run), type=dict[str, str])
