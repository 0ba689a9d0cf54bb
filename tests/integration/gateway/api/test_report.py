"""The report of a run over the API."""

from __future__ import annotations

import uuid

from tests.harness.api import Api
from tests.ledgers.ledger import PlannedMapping, ledger_on


async def test_a_report_is_json_for_programs_and_one_page_for_people(api: Api) -> None:
    async with ledger_on(api.ledger) as ledger, api.client("viewer") as client:
        run = await ledger.running(PlannedMapping(name="patients"))
        await ledger.runs.pause(run, actor="ops.lead")
        path = f"/api/runs/{run}/report"
        async with client.get(path) as response:
            document = await response.json()
            assert response.status == 200
        async with client.get(path, headers={"Accept": "text/html"}) as response:
            page = await response.text()
            assert response.content_type == "text/html"
            assert "script-src" not in response.headers["Content-Security-Policy"]
        async with client.get(path, params={"format": "html"}) as response:
            assert response.content_type == "text/html"
    assert (document["runId"], document["state"], document["plan"]) == (str(run), "paused", "clinic")
    assert [deed["verb"] for deed in document["deeds"]] == ["start", "pause"]
    assert document["balance"]["unaccounted"] == 0
    assert "Paused by ops.lead" in document["sentence"]
    assert "Migration report" in page
    assert "patients" in page


async def test_a_run_that_is_not_there_has_no_report(api: Api) -> None:
    async with api.client("viewer") as client, client.get(f"/api/runs/{uuid.uuid4()}/report") as response:
        assert (response.status, (await response.json())["code"]) == (404, "unknown_run")
