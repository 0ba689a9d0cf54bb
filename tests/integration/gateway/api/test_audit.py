"""The audit over the API."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.harness.api import Api
from tests.harness.databases import address_of
from tests.harness.ledger import until

APPEND = "select transfuse.append_audit($1, 'admin', $2, 'run', 'r', 'done', '', '', '{\"rows\": 3}')"


@pytest.fixture
async def owner(api: Api) -> Any:  # noqa: ANN401 - a generator of connections
    """The owner of the ledger, who may even change the audit."""
    connection = await asyncpg.connect(address_of(api.ledger).url.reveal())
    yield connection
    await connection.close()


async def read(api: Api, query: str = "", role: str | None = "admin") -> tuple[int, dict[str, Any]]:
    async with api.client(role) as client, client.get(f"/api/audit{query}") as response:
        return response.status, await response.json()


async def entries(api: Api, query: str = "") -> list[int]:
    return [entry["seq"] for entry in (await read(api, query))[1]["entries"]]


async def checked(api: Api) -> None:
    """Return when the first look at the chain is over."""

    async def there() -> bool:
        return bool((await read(api))[1]["chain"]["verified"] != "not_checked")

    await until(there)


async def test_entries_are_paged_and_filtered(api: Api, owner: asyncpg.Connection) -> None:
    for actor, action in (("ada", "run.start"), ("ada", "run.cancel"), ("ben", "run.start")):
        await owner.fetchval(APPEND, actor, action)
    status, page = await read(api, "?limit=2")
    assert status == 200
    assert [entry["seq"] for entry in page["entries"]] == [3, 2]
    assert page["entries"][0] | {"at": ""} == {
        "seq": 3, "at": "", "actor": "ben", "subject": None, "role": "admin", "action": "run.start",
        "objectKind": "run", "objectId": "r", "outcome": "done", "address": "", "requestId": "", "detail": {"rows": 3},
    }  # fmt: skip
    assert await entries(api, f"?limit=2&cursor={page['nextCursor']}") == [1]
    assert await entries(api, "?actor=ada") == [2, 1]
    assert await entries(api, "?actor=ada&action=run.start") == [1]
    at = page["entries"][1]["at"].replace("+", "%2B")
    assert await entries(api, f"?from={at}") == [3, 2]
    assert await entries(api, f"?to={at}") == [1]


@pytest.mark.parametrize(
    "query",
    (
        "?limit=0",
        "?cursor=x",
        "?from=2026-01-01",
        "?from=0001-01-01T00:00:00%2B14:00",
        "?verify=maybe",
        "?who=ada",
        "?subject=ada",
    ),
)
async def test_a_question_that_makes_no_sense_is_refused(api: Api, query: str) -> None:
    status, problem = await read(api, query)
    assert (status, problem["status"]) == (400, 400)


async def test_a_person_is_found_by_the_id_that_stays_whatever_their_email_was(
    api: Api, owner: asyncpg.Connection
) -> None:
    jane = str(uuid4())
    for email in ("jane@example.org", "j.smith@example.org"):
        async with (
            api.client(sub=jane, email=email) as client,
            client.post("/api/migrations", json={"name": "clinic", "plan": "nowhere"}) as response,
        ):
            assert response.status == 404
    async with api.client("viewer", sub=jane, email="jane@example.org") as client, client.get("/api/audit") as response:
        assert response.status == 403
    _, page = await read(api, f"?subject={jane}")
    assert [(entry["actor"], entry["action"], entry["outcome"]) for entry in page["entries"]] == [
        ("jane@example.org", "request.refused", "refused"),
        ("j.smith@example.org", "migration.create", "refused"),
        ("j.smith@example.org", "migration.create", "begun"),
        ("jane@example.org", "migration.create", "refused"),
        ("jane@example.org", "migration.create", "begun"),
    ]
    assert {entry["subject"] for entry in page["entries"]} == {jane}
    assert await entries(api, f"?subject={uuid4()}") == []
    await checked(api)
    assert (await read(api, "?verify=true"))[1]["chain"]["verified"] == "whole"


async def test_only_an_administrator_reads_the_audit(api: Api, owner: asyncpg.Connection) -> None:
    for role in ("migration_manager", "viewer", None):
        assert (await read(api, role=role))[0] == 403
    refusals = await owner.fetch("select outcome from transfuse.audit order by seq")
    assert [row["outcome"] for row in refusals] == ["refused"] * 3


async def test_the_chain_is_verified_with_every_answer(api: Api, owner: asyncpg.Connection) -> None:
    await checked(api)
    for count in (1, 2):
        await owner.fetchval(APPEND, "ada", "run.start")
        _, page = await read(api)
        head = await owner.fetchrow("select seq, hash from transfuse.audit_head")
        assert page["chain"]["checkedAt"] is not None
        assert page["chain"] | {"checkedAt": ""} == {
            "verified": "whole", "checkedAt": "", "count": count, "head": f"{head['seq']}:{head['hash'].hex()}",
            "fault": None, "brokenAt": None,
        }  # fmt: skip


async def test_an_entry_altered_behind_the_last_look_is_seen_when_the_whole_chain_is_asked_for(
    api: Api, owner: asyncpg.Connection
) -> None:
    await checked(api)
    for _ in range(3):
        await owner.fetchval(APPEND, "ada", "run.start")
    assert (await read(api))[1]["chain"]["verified"] == "whole"
    await owner.execute("update transfuse.audit set actor = 'nobody' where seq = 2")
    chain = (await read(api, "?verify=true"))[1]["chain"]
    assert (chain["verified"], chain["fault"], chain["brokenAt"]) == ("broken", "altered", 2)
    assert (await read(api))[1]["chain"]["verified"] == "broken"


async def test_a_tail_that_is_cut_is_seen_at_once(api: Api, owner: asyncpg.Connection) -> None:
    await checked(api)
    for _ in range(3):
        await owner.fetchval(APPEND, "ada", "run.start")
    assert (await read(api))[1]["chain"]["verified"] == "whole"
    await owner.execute(
        """delete from transfuse.audit where seq > 2;
           update transfuse.audit_head set seq = 2, hash = (select hash from transfuse.audit where seq = 2)"""
    )
    chain = (await read(api))[1]["chain"]
    assert (chain["verified"], chain["fault"], chain["brokenAt"]) == ("broken", "tail_missing", 3)
