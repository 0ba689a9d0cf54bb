"""Dry runs of a test's target."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.core.run_options import RunOptions
from shared.core.states import LoadMode
from shared.plan.compiled import LoadProgram
from tests.loading.target import Target


async def dry_run(
    target: Target, programs: dict[str, LoadProgram], *, tries: LoadMode = LoadMode.INSERT, batches: int = 1
) -> UUID:
    """A running dry run of some mappings; earlier runs are completed first."""
    return await as_dry(target, await target.run(programs, batches=batches), tries)


async def as_dry(target: Target, run: UUID, tries: LoadMode = LoadMode.INSERT) -> UUID:
    """Make a run a dry one."""
    await target.connection.execute("insert into transfuse.target_schema values ('public') on conflict do nothing")
    await target.connection.execute(
        "update transfuse.run set kind = 'validate', mode = 'check', options = $2::text::jsonb where id = $1",
        *(run, msgspec.json.encode(RunOptions(tries=tries)).decode()),
    )
    return run


async def unchecked(target: Target, run: UUID) -> set[tuple[str, str]]:
    """What a dry run could not try, by kind and name."""
    rows = await target.connection.fetch("select kind, name from transfuse.unchecked where run_id = $1", run)
    return {(row["kind"], row["name"]) for row in rows}


async def copies(target: Target) -> int:
    """How many runs have copies of tables."""
    found: int = await target.connection.fetchval(
        "select count(*) from transfuse.run where to_regnamespace(transfuse.shadow_schema(id)) is not null"
    )
    return found
