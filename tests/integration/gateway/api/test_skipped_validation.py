"""A run without validation leaves out the plan's rules, and nothing else, and says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.bus.memory import MemoryBus
from shared.ledger.runs import Run, Runs
from shared.postgres.pools import Session, open_pool
from tests.harness import clinic
from tests.harness.api import Api
from tests.harness.clinic_installation import clinic_installation
from tests.harness.databases import address_of
from tests.harness.ledger import STILL, until
from tests.harness.register import asked, owner, registered, start
from tests.harness.whole import whole

TARGET = clinic.TARGET + "alter table people add check (kind <> 'second');"
PLAN = clinic.changed(
    "      kind: codebook('kind', p.kind)\n",
    "      kind: codebook('kind', p.kind)\n    rules:\n      - {name: not three, check: name <> 'Three'}\n",
)


@pytest.fixture
async def api(postgres_server: str, open_path: Path) -> AsyncIterator[Api]:
    """The five services, a plan whose rule refuses the third of four rows, and a target that refuses the second."""
    async with (
        clinic_installation(postgres_server, open_path, target=TARGET) as installation,
        MemoryBus() as bus,
        whole(installation, bus) as found,
    ):
        yield found


async def ran(api: Api, migration: UUID, **options: Any) -> Run:  # noqa: ANN401 - any option
    """A run that was started over HTTP, when it is final or paused."""
    async with (
        api.client() as client,
        open_pool(address_of(api.ledger), "ledger", Session(), most=1) as pool,
    ):
        status, document = await start(client, migration, **options)
        assert status == 202, document
        runs, run = Runs(pool), UUID(document["id"])

        async def over() -> bool:
            return (await runs.get(run)).state in STILL

        await until(over)
        return await runs.get(run)


async def loaded(api: Api) -> list[str]:
    async with owner(api) as connection:
        return [row["name"] for row in await connection.fetch("select name from people order by legacy_id")]


async def registered_plan(api: Api) -> UUID:
    async with api.client() as client:
        status, problem = await asked(client, "PUT", "/api/plans/clinic", json={"files": {"plan.yml": PLAN}})
        assert status == 201, problem
        return await registered(client)


async def test_with_validation_a_row_that_breaks_a_rule_waits_in_quarantine(api: Api) -> None:
    run = await ran(api, await registered_plan(api))
    assert (run.state, await loaded(api)) == ("completed", ["One", "Four"])
    assert "validation_skipped" not in [warning.code for warning in run.warnings]


async def test_without_validation_it_is_loaded_constraints_hold_and_the_run_says_so(api: Api) -> None:
    run = await ran(api, await registered_plan(api), skipValidation=True)
    assert (run.state, await loaded(api)) == ("completed", ["One", "Three", "Four"])
    (warning,) = [warning for warning in run.warnings if warning.code == "validation_skipped"]
    assert "rules" in warning.message
    async with owner(api) as connection:
        reasons = await connection.fetch("select reasons from transfuse.quarantine where run_id = $1", run.id)
        assert len(reasons) == 1, "what the target refuses is refused"
