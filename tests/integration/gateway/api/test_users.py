"""Local accounts over the API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.harness.api import Api

PASSWORD = "correct horse battery"


def form(email: str = "one@example.org", role: str = "admin", password: str = PASSWORD) -> dict[str, Any]:
    return {"email": email, "role": role, "password": password}


async def created(api: Api, email: str = "one@example.org", role: str = "admin") -> str:
    async with api.client() as client, client.post("/api/users", json=form(email, role)) as response:
        assert response.status == 201, await response.text()
        found: str = (await response.json())["id"]
        return found


async def changed(api: Api, user: str, change: dict[str, Any], **claims: str) -> tuple[int, dict[str, Any]]:
    async with api.client(**claims) as client, client.patch(f"/api/users/{user}", json=change) as response:
        return response.status, await response.json()


async def test_an_account_is_made_listed_and_shows_nothing_of_its_password(api: Api) -> None:
    second, first = await created(api, "b@example.org", "viewer"), await created(api, "A@example.org")
    async with api.client() as client, client.get("/api/users") as response:
        found = await response.json()
    assert found["total"] == 2
    assert [user["id"] for user in found["users"]] == [first, second]
    assert set(found["users"][0]) == {
        "id", "email", "role", "disabled", "createdAt", "changedAt", "lastSignInAt",
    }  # fmt: skip


async def test_an_email_is_taken_whatever_its_case(api: Api) -> None:
    await created(api, "one@example.org")
    async with api.client() as client, client.post("/api/users", json=form("ONE@Example.org")) as response:
        assert response.status == 409
        assert (await response.json())["code"] == "name_taken"


@pytest.mark.parametrize(
    "wrong",
    (
        {"password": "short"},
        {"password": "x" * 257},
        {"password": "one@example.org"},
        {"password": "ONE@example.org"},
        {"password": "ａ" * 11},
        {"email": "no address"},
        {"email": "two@ats@example.org"},
        {"email": ""},
        {"role": "root"},
        {"extra": 1},
    ),
)
async def test_what_is_not_as_it_should_be_is_refused_without_being_repeated(api: Api, wrong: dict[str, Any]) -> None:
    async with api.client() as client, client.post("/api/users", json={**form(), **wrong}) as response:
        assert response.status == 400
        text = await response.text()
    assert "xxxx" not in text
    assert "one@example.org" not in text.lower()


async def test_the_last_administrator_is_neither_demoted_nor_disabled(api: Api) -> None:
    only = await created(api)
    for change in ({"role": "viewer"}, {"disabled": True}, {"role": "migration_manager", "disabled": True}):
        status, body = await changed(api, only, change)
        assert (status, body["code"]) == (409, "not_allowed")
    other = await created(api, "two@example.org")
    assert (await changed(api, only, {"disabled": True}))[0] == 200
    assert (await changed(api, other, {"disabled": True}))[0] == 409, "the other one is disabled: this is the last"
    assert (await changed(api, only, {"disabled": False}))[0] == 200


async def test_of_two_administrators_who_disable_each_other_one_remains(api: Api) -> None:
    one, two = await created(api, "one@example.org"), await created(api, "two@example.org")
    answers = await asyncio.gather(
        changed(api, two, {"disabled": True}, sub=one), changed(api, one, {"disabled": True}, sub=two)
    )
    assert sorted(status for status, _ in answers) == [200, 409]


async def test_nobody_disables_themselves(api: Api) -> None:
    one, _two = await created(api, "one@example.org"), await created(api, "two@example.org")
    status, body = await changed(api, one, {"disabled": True}, sub=one)
    assert (status, body["code"]) == (409, "not_allowed")


@pytest.mark.parametrize(
    "change", ({"role": "viewer"}, {"disabled": True}, {"password": "another long password"}), ids=str
)
async def test_what_is_taken_from_an_account_ends_its_sessions_at_once(api: Api, change: dict[str, Any]) -> None:
    await created(api, "other@example.org")
    user = await created(api)
    login = {"email": "one@example.org", "password": PASSWORD}
    async with api.anyone() as client:
        async with client.post("/api/auth/login", json=login) as response:
            token = (await response.json())["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        async with client.get("/api/auth/me", headers=headers) as response:
            assert response.status == 200
        assert (await changed(api, user, change))[0] == 200
        async with client.get("/api/auth/me", headers=headers) as response:
            assert response.status == 401


async def test_a_new_password_replaces_the_old_one(api: Api) -> None:
    user = await created(api)
    assert (await changed(api, user, {"password": "another long password"}))[0] == 200
    async with api.anyone() as client:
        for password, status in ((PASSWORD, 401), ("another long password", 200)):
            login = {"email": "one@example.org", "password": password}
            async with client.post("/api/auth/login", json=login) as response:
                assert response.status == status


async def test_the_same_characters_typed_otherwise_are_the_same_password(api: Api) -> None:
    composed, decomposed = "pässwörd with umlauts", "pa\u0308sswo\u0308rd with umlauts"
    async with api.client() as client, client.post("/api/users", json=form(password=composed)) as response:
        assert response.status == 201
    login = {"email": "one@example.org", "password": decomposed}
    async with api.anyone() as client, client.post("/api/auth/login", json=login) as response:
        assert response.status == 200


async def test_an_account_that_is_not_there_is_not_changed(api: Api) -> None:
    status, body = await changed(api, "00000000-0000-0000-0000-000000000000", {"role": "viewer"})
    assert (status, body["code"]) == (404, "unknown_account")


@pytest.mark.parametrize("role", ("migration_manager", "viewer", None))
async def test_only_administrators_see_and_change_accounts(api: Api, role: str | None) -> None:
    user = await created(api)
    async with api.client(role) as client:
        for method, path in (("GET", "/api/users"), ("POST", "/api/users"), ("PATCH", f"/api/users/{user}")):
            async with client.request(method, path, json={}) as response:
                assert response.status == 403
