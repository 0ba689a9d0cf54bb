"""The served document: schemathesis sends what it allows and what it does not, and every answer conforms."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from services.gateway.resources.table import ENDPOINTS
from tests.harness.api import Api
from tests.harness.register import asked, plan_in, registered
from tests.harness.tokens import token

CASES = int(os.environ.get("TRANSFUSE_SCHEMATHESIS_CASES", "400"))
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]
"""Not among them: that whatever fits the schema is accepted. A cursor or a plan can be wrong in ways no schema says."""
MAY_BE_UNAVAILABLE = {endpoint.operation_id for endpoint in ENDPOINTS if 503 in endpoint.also}
"""The operations that answer 503 for a reason of their own."""


class Conformance:
    """Sends cases of every operation as an admin. `statuses` counts the answers, `failures` names what is wrong.

    `known` are ids by the start of a path: every second good case asks for what is there.
    """

    def __init__(self, url: str, known: Mapping[str, str]) -> None:
        self._url = url
        self._known = known
        self._sent = 0
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []

    def run(self) -> None:
        """Send the cases, as many of each operation; what nothing can be varied of leaves its share to the others."""
        schema = schemathesis.openapi.from_url(f"{self._url}/api/openapi.json")
        schema.config.generation.update(allow_x00=False)
        operations = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
        for number in itertools.count():
            missing = CASES - self.statuses.total()
            if missing <= 0:
                return
            for operation in operations:
                self._try(operation, -(-missing // len(operations)), number)
            operations = [operation for operation in operations if operation.body or operation.query]

    def _try(self, operation: APIOperation[Any, Any, Any, Any], count: int, number: int) -> None:
        modes = [GenerationMode.POSITIVE]
        if operation.body or operation.query or operation.path_parameters:
            modes.append(GenerationMode.NEGATIVE)
        strategy = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @seed(number)
        @given(case=strategy)
        def attempt(case: Case[Any]) -> None:
            self._point(case)
            response = case.call(base_url=self._url, headers={"Authorization": f"Bearer {token()}"}, timeout=30)
            self.statuses[response.status_code] += 1
            if response.status_code >= 500 and not self._may_be_unavailable(operation, response.status_code):
                self.failures.append(f"{operation.label}: {response.status_code}")
            try:
                case.validate_response(response, checks=CHECKS)
            except BaseExceptionGroup as errors:
                self._note(operation, errors.exceptions)
            except AssertionError as error:
                self._note(operation, [error])

        try:
            attempt()
        except Exception as error:  # noqa: BLE001 - an operation that cannot be tried is a failure too
            self._note(operation, [error])

    def _point(self, case: Case[Any]) -> None:
        """Let every second good case name what is there, if it does not delete it."""
        self._sent += 1
        found = next((known for start, known in self._known.items() if case.path.startswith(start)), None)
        is_good = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
        if found is not None and is_good and self._sent % 2 and case.method.upper() != "DELETE":
            case.path_parameters = {**case.path_parameters, "id": found}

    def _may_be_unavailable(self, operation: APIOperation[Any, Any, Any, Any], status: int) -> bool:
        return status == 503 and operation.definition.raw["operationId"] in MAY_BE_UNAVAILABLE

    def _note(self, operation: APIOperation[Any, Any, Any, Any], errors: Any) -> None:  # noqa: ANN401 - a sequence of exceptions
        self.failures.extend(f"{operation.label}: {type(error).__name__} {error}" for error in errors)


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
async def test_no_request_makes_an_answer_that_the_document_does_not_name(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = str(await registered(client))
        _, run = await asked(client, "POST", "/api/migrations/start", json={"migrationId": migration})
    conformance = Conformance(api.url, {"/api/migrations/{id}": migration, "/api/runs/{id}": run["id"]})
    await asyncio.to_thread(conformance.run)
    with capsys.disabled():
        told = ", ".join(f"{count} of {status}" for status, count in sorted(conformance.statuses.items()))
        total = conformance.statuses.total()
        print(f"\nschemathesis: {total} cases over {len(ENDPOINTS)} operations, {told}")  # noqa: T201
        print(f"schemathesis: {len(conformance.failures)} failures")  # noqa: T201
    assert conformance.failures == []
    assert conformance.statuses.total() >= CASES


async def test_the_document_names_every_endpoint_of_the_table(api: Api) -> None:
    async with api.anyone() as client, client.get("/api/openapi.json") as response:
        assert response.status == 200
        document = await response.json()
    assert document["openapi"] == "3.1.0"
    named = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert named == {endpoint.operation_id for endpoint in ENDPOINTS}


async def test_the_page_is_made_of_its_own_files_and_runs_nothing_else(api: Api) -> None:
    async with api.anyone() as client:
        async with client.get("/api/docs") as response:
            assert response.content_type == "text/html"
            policy = response.headers["Content-Security-Policy"]
            page = await response.text()
        assert "unsafe" not in policy
        assert "http" not in page.replace("https://", "").replace("http-equiv", "")
        assert "<style" not in page
        for name, kind in (("docs.css", "text/css"), ("docs.js", "text/javascript")):
            async with client.get(f"/api/docs/{name}") as response:
                assert (response.status, response.content_type) == (200, kind)
                assert f'/api/docs/{name}"' in page
        async with client.get("/api/docs/other.js") as response:
            assert response.status == 404
