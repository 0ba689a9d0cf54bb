"""Resuming some mappings over the API; the body may be left out."""

from __future__ import annotations

from tests.harness.api import Api
from tests.harness.register import asked, plan_in, registered, start


async def test_a_resume_may_name_mappings_and_needs_no_body(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        await start(client, migration)
        assert (await asked(client, "POST", f"/api/migrations/{migration}/pause"))[0] == 200
        path = f"/api/migrations/{migration}/resume"
        status, problem = await asked(client, "POST", path, json={"mappings": ["nobody"]})
        assert (status, problem["code"]) == (400, "unknown_mapping")
        status, problem = await asked(client, "POST", path, json={"mappings": [""]})
        assert (status, problem["code"]) == (400, "bad_request")
        status, problem = await asked(client, "POST", path, json={"mapping": ["patients"]})
        assert status == 400
        status, document = await asked(client, "POST", path)
        assert (status, document["state"]) == (200, "planning")
