"""Plans over the API."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import aiohttp
import asyncpg
import pytest

from services.gateway.api.application import BODY_BYTES
from services.gateway.inspection import LONGEST_TEXT, MOST_TEXTS, texts_of
from shared.plan.reader import plan_files, plan_hash, plan_of_files
from tests.harness.api import Api
from tests.harness.installation import ROOT
from tests.harness.register import plan_in
from tests.planning import CLINIC

FILES = {"plan.yml": CLINIC}
WRONG = CLINIC.replace("codebook('sex', p.sex)", "codebook('sexx', p.sex)")


async def put(client: aiohttp.ClientSession, text: str, name: str = "clinic") -> tuple[int, dict[str, Any]]:
    async with client.put(f"/api/plans/{name}", json={"files": {"plan.yml": text}}) as response:
        return response.status, await response.json()


async def got(client: aiohttp.ClientSession, path: str) -> tuple[int, dict[str, Any]]:
    async with client.get(path) as response:
        return response.status, await response.json()


async def test_a_new_text_is_a_new_version_and_the_same_text_the_same_one(api: Api) -> None:
    changed = CLINIC.replace("clean(d.name)", "d.name")
    async with api.client("migration_manager") as client:
        answers = [await put(client, text) for text in (CLINIC, changed, CLINIC)]
        assert [(status, plan["version"]) for status, plan in answers] == [(201, 1), (201, 2), (200, 1)]
        assert answers[0][1]["hash"] == plan_hash(FILES)
        status, newest = await got(client, "/api/plans/clinic")
        assert (status, newest["version"], newest["files"]) == (200, 2, {"plan.yml": changed})
        assert [version["version"] for version in newest["versions"]] == [2, 1]
        assert newest["versionsCursor"] is None
        _, first = await got(client, "/api/plans/clinic?version=1")
        assert first["files"] == FILES
        _, listed = await got(client, "/api/plans")
        assert [(plan["name"], plan["version"], plan["mappings"]) for plan in listed["plans"]] == [("clinic", 2, 2)]


async def test_a_plan_shows_its_mappings_and_where_every_column_comes_from(api: Api) -> None:
    async with api.client() as client:
        _, plan = await put(client, CLINIC)
    doctors, patients = plan["mappings"]
    assert (doctors["target"], doctors["from"], doctors["refersTo"], doctors["wave"]) == (
        "app.doctors",
        "doctor d",
        [],
        0,
    )
    assert (patients["refersTo"], patients["wave"], patients["key"]) == (["doctors"], 1, ["p.id"])
    lines = {line["column"]: line for line in plan["lineage"] if line["mapping"] == "patients"}
    assert lines["sex"]["sources"] == [{"alias": "p", "table": "legacy.person", "column": "sex"}]
    assert lines["sex"]["codebooks"] == ["sex"]
    assert lines["doctor_id"]["refersTo"] == ["doctors"]
    assert plan["unmapped"] == {"session": "sessions do not move"}
    assert plan["codebooks"] == [{"name": "sex", "codeCount": 7, "otherwise": None}]


async def test_a_plan_with_errors_is_not_kept_and_told_where_they_are(api: Api) -> None:
    async with api.client() as client:
        status, problem = await put(client, WRONG)
        (error,) = problem["errors"]
        line = WRONG.splitlines()[error["line"] - 1]
        assert (status, problem["code"]) == (422, "plan_refused")
        assert (error["file"], error["remedy"], line[error["column"] - 1 :][:10]) == (
            "plan.yml",
            "Write sex.",
            "'sexx', p.",
        )
        assert await got(client, "/api/plans") == (200, {"plans": [], "nextCursor": None})


async def pages(client: aiohttp.ClientSession, path: str, member: str, limit: int) -> list[list[Any]]:
    """What each page of a list holds, to its end."""
    found, query = [], f"?limit={limit}"
    while True:
        status, page = await got(client, path + query)
        assert status == 200
        found.append(page[member])
        if page["nextCursor"] is None:
            return found
        query = f"?limit={limit}&cursor={page['nextCursor']}"


async def test_plans_and_versions_are_listed_in_parts_that_hold_each_of_them_once(api: Api) -> None:
    for name in ("Berlin", "amsterdam", "clinic", "clinic-2", "clinic_1"):
        await plan_in(api, name, versions=3)
    async with api.client("viewer") as client:
        listed = await pages(client, "/api/plans", "plans", 2)
        assert [len(page) for page in listed] == [2, 2, 1]
        plans = [plan for page in listed for plan in page]
        assert {plan["name"] for plan in plans} == {"Berlin", "amsterdam", "clinic", "clinic-2", "clinic_1"}
        assert {plan["version"] for plan in plans} == {3}
        assert (await got(client, "/api/plans"))[1] == {"plans": plans, "nextCursor": None}
        versions = await pages(client, "/api/plans/clinic/versions", "versions", 2)
        assert [[one["version"] for one in page] for page in versions] == [[3, 2], [1]]
        assert (await got(client, "/api/plans/nobody/versions"))[0] == 404
        for path in ("/api/plans", "/api/plans/clinic/versions"):
            for query in ("?cursor=x", "?limit=0", "?limit=201"):
                assert (await got(client, path + query))[0] == 400


async def test_a_plan_of_many_versions_shows_the_newest_and_where_the_rest_is(api: Api) -> None:
    await plan_in(api, versions=203)
    async with api.client("viewer") as client:
        _, plan = await got(client, "/api/plans/clinic")
        assert [plan["versions"][0]["version"], plan["versions"][-1]["version"]] == [203, 4]
        _, rest = await got(client, f"/api/plans/clinic/versions?cursor={plan['versionsCursor']}")
    assert [version["version"] for version in rest["versions"]] == [3, 2, 1]


async def test_a_plan_is_kept_under_its_own_name_only(api: Api) -> None:
    async with api.client() as client:
        status, problem = await put(client, CLINIC, name="hospital")
        assert (status, problem["code"]) == (422, "plan_refused")
        assert "clinic" in problem["errors"][0]["message"]


async def test_a_check_says_the_same_and_keeps_nothing(api: Api) -> None:
    async with api.client() as client:
        for text, valid in ((CLINIC, True), (WRONG, False)):
            async with client.post("/api/plans/clinic/check", json={"files": {"plan.yml": text}}) as response:
                found = await response.json()
            assert (response.status, found["valid"], bool(found["errors"])) == (200, valid, not valid)
            assert bool(found["mappings"]) is bool(found["lineage"]) is valid
        assert (await got(client, "/api/plans/clinic"))[0] == 404


async def test_a_body_beyond_its_limit_is_refused(api: Api) -> None:
    async with api.client() as client:
        body = json.dumps({"files": {"plan.yml": "x" * (1024 * 1024)}}).encode()
        headers = {"Content-Type": "application/json"}
        async with client.put("/api/plans/clinic", data=io.BytesIO(body), headers=headers) as response:
            assert response.status == 413
            assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "path", ("/api/plans/nobody", "/api/plans/%00", "/api/plans/a%20b", "/api/plans/clinic?version=9")
)
async def test_a_plan_that_is_not_there_is_a_problem(api: Api, path: str) -> None:
    async with api.client() as client:
        await put(client, CLINIC)
        assert (await got(client, path))[0] == 404


async def test_a_viewer_reads_plans_and_changes_none(api: Api) -> None:
    async with api.client() as client:
        await put(client, CLINIC)
    async with api.client("viewer") as client:
        assert (await got(client, "/api/plans/clinic"))[0] == 200
        assert (await put(client, CLINIC))[0] == 403
        async with client.post("/api/plans/clinic/check", json={"files": FILES}) as response:
            assert response.status == 403


async def test_texts_put_at_once_get_versions_of_their_own(api: Api) -> None:
    texts = [CLINIC.replace("sessions do not move", f"reason {number % 3}") for number in range(9)]
    async with api.client() as client:
        answers = await asyncio.gather(*(put(client, text) for text in texts))
    assert sorted({plan["version"] for _, plan in answers}) == [1, 2, 3]
    assert sorted(status for status, _ in answers) == [200] * 6 + [201] * 3


async def test_a_kept_plan_that_cannot_be_read_any_more_is_shown_with_what_is_wrong(api: Api) -> None:
    connection = await asyncpg.connect(api.ledger)
    await connection.execute(
        """insert into transfuse.plan (hash, name, version, files)
           values ('x', 'old', 1, '{"plan.yml": "transfuse: 0"}')"""
    )
    await connection.close()
    async with api.client() as client:
        status, plan = await got(client, "/api/plans/old")
        assert (status, plan["valid"], plan["files"]) == (200, False, {"plan.yml": "transfuse: 0"})
        assert plan["errors"]
        _, listed = await got(client, "/api/plans")
        assert listed["plans"][0]["mappings"] is None


async def test_the_whole_portal_is_taken_with_room_to_grow(api: Api) -> None:
    files = plan_files(ROOT / "plans" / "portal")
    body = json.dumps({"files": files}).encode()
    plan = plan_of_files(files)
    texts = [text for mapping in plan.mappings for text in texts_of(mapping)]
    assert len(plan.mappings) > 40
    assert 2 * len(texts) < MOST_TEXTS
    assert 2 * max(len(text.value) for text in texts) < LONGEST_TEXT
    assert 4 * len(body) < BODY_BYTES
    async with api.client() as client:
        headers = {"Content-Type": "application/json"}
        async with client.put("/api/plans/portal", data=body, headers=headers) as response:
            kept = await response.json()
            assert (response.status, kept.get("errors")) == (201, [])
        assert (kept["hash"], len(kept["mappings"]), kept["files"]) == (plan.hash, len(plan.mappings), files)
        assert len(kept["lineage"]) == sum(len(mapping.columns) for mapping in plan.mappings)
        async with client.put("/api/plans/portal", data=body, headers=headers) as again:
            assert again.status == 200
