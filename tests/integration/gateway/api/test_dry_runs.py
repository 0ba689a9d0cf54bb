"""Dry runs over the API: beside what their migration is at, with a report of their checks."""

from __future__ import annotations

import json
import uuid

from tests.harness.api import Api
from tests.harness.register import asked, owner, plan_in, registered, start


async def test_a_dry_run_goes_beside_a_run_and_a_preflight_but_not_beside_another_one(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        assert (await start(client, migration))[0] == 202
        status, dry = await start(client, migration, validateOnly=True)
        assert (status, dry["type"], dry["kind"], dry["mode"]) == (202, "validation", "validate", "check")
        assert (await asked(client, "POST", f"/api/migrations/{migration}/preflight"))[0] == 202
        status, preflight = await asked(client, "GET", f"/api/migrations/{migration}/preflight")
        assert (status, preflight["runId"] == dry["id"]) == (200, False)
        status, problem = await start(client, migration, mode="check")
        assert (status, problem["code"]) == (409, "already_active")
        status, found = await asked(client, "GET", f"/api/migrations/{migration}")
        assert found["lastRun"]["id"] != dry["id"]


async def test_a_dry_run_may_try_a_merge(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        await start(client, await registered(client), validateOnly=True, mode="merge")
    async with owner(api) as connection:
        assert json.loads(await connection.fetchval("select options from transfuse.run")) == {"tries": "merge"}


async def test_a_dry_run_is_cancelled_by_its_own_name(api: Api) -> None:
    await plan_in(api)
    async with api.client("viewer") as viewer, api.client("migration_manager") as client:
        migration = await registered(client)
        _status, run = await start(client, migration)
        _status, dry = await start(client, migration, validateOnly=True)
        assert (await asked(viewer, "POST", f"/api/runs/{dry['id']}/cancel"))[0] == 403
        status, cancelled = await asked(client, "POST", f"/api/runs/{dry['id']}/cancel")
        assert (status, cancelled["state"] in {"cancelling", "cancelled"}) == (200, True)
        assert (await asked(client, "GET", f"/api/runs/{run['id']}"))[1]["state"] == "pending"


async def test_the_report_holds_every_check_what_is_left_out_and_what_was_not_tried(api: Api) -> None:
    await plan_in(api)
    async with api.client("migration_manager") as client:
        _status, dry = await start(client, await registered(client), validateOnly=True)
        path = f"/api/runs/{dry['id']}/validation"
        status, early = await asked(client, "GET", path)
        assert (status, early["outcome"], early["checks"]) == (200, "open", [])
        async with owner(api) as connection:
            await connection.execute(REPORTED, uuid.UUID(dry["id"]))
            for state in ("planning", "running", "finishing", "completed"):
                await connection.execute("update transfuse.run set state = $1", state)
        status, report = await asked(client, "GET", path)
    assert (status, report["outcome"], report["tries"]) == (200, "failed", "insert")
    assert [
        (one["reason"], one["column"], one["failing"], one["share"], one["passed"]) for one in report["checks"]
    ] == [
        ("unknown_code", "sex", 1, 0.1, False),
        ("required", "name", 0, 0.0, True),
    ]
    assert report["leftOut"] == [{"table": "session", "column": "", "reason": "not moved"}]
    assert report["notChecked"] == [{"table": "public.people", "kind": "trigger", "name": "stamp"}]
    assert "nothing was written" in report["sentence"]


async def test_only_a_dry_run_has_such_a_report(api: Api) -> None:
    await plan_in(api)
    async with api.client("viewer") as viewer, api.client() as client:
        _status, run = await start(client, await registered(client))
        status, problem = await asked(viewer, "GET", f"/api/runs/{run['id']}/validation")
        assert (status, problem["code"]) == (409, "no_validation")
        status, problem = await asked(viewer, "GET", f"/api/runs/{uuid.uuid4()}/validation")
        assert (status, problem["code"]) == (404, "unknown_run")


REPORTED = """
with said as (
    insert into transfuse.validation (run_id, checks, limits, left_out) values ($1,
        '[{"mapping": "people", "column": "name", "reason": "required", "family": "completeness", "threshold": 0}]',
        '{"people": {"share": 0.01}}', '[{"table": "session", "reason": "not moved"}]')
), unchecked as (
    insert into transfuse.unchecked values ($1, 'public', 'people', 'trigger', 'stamp')
), mapping as (
    insert into transfuse.run_mapping (run_id, mapping, pass, position, cut_complete, driving_rows, from_rows, state)
    values ($1, 'people', 1, 0, true, 10, 10, 'complete')
    returning run_id
), batch as (
    insert into transfuse.batch (run_id, mapping, pass, seq, state, read_count, loaded, quarantined, settled_at)
    select run_id, 'people', 1, 1, 'settled', 10, 9, 1, now() from mapping
), refused as (
    insert into transfuse.quarantine_total (run_id, mapping, stage, code, "column", row_count)
    select run_id, 'people', 'transform', 'unknown_code', 'sex', 1 from mapping
)
select count(*) from mapping
"""
