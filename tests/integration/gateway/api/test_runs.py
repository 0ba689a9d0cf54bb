"""Runs over the API."""

from __future__ import annotations

import uuid

from tests.harness.api import Api


async def test_a_run_that_is_not_there_is_a_problem_with_a_code(api: Api) -> None:
    async with api.client() as client, client.get(f"/api/runs/{uuid.uuid4()}") as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"
        assert (await response.json())["code"] == "unknown_run"


async def test_who_is_not_signed_in_sees_no_run(api: Api) -> None:
    async with api.anyone() as client, client.get(f"/api/runs/{uuid.uuid4()}") as response:
        assert response.status == 401
