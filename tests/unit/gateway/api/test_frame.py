"""What every endpoint promises, whatever it does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from io import BytesIO
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from services.gateway.api.endpoint import Answer, Call, Limit
from services.gateway.api.limits.policy import LimitPolicy, Rate
from services.gateway.api.problems import ApiError
from shared.core.document import Document, Form
from shared.core.errors import Refused, WorldError
from shared.identity.permissions import Permission
from shared.ledger.audit import Outcome
from shared.settings.environ import Environment
from tests.harness.frame import Frame, as_role, endpoint, frame_of

ONE = "/api/things/0196e2a4-5a4c-4c3e-9c3b-2f6f0f3d8a11"
ORIGIN = "https://portal.example.org"


class Thing(Document, frozen=True, kw_only=True):
    address: str


class ThingPath(Form, frozen=True, kw_only=True):
    id: UUID


class ThingQuery(Form, frozen=True, kw_only=True):
    limit: int = 10
    search: str = ""


class ThingForm(Form, frozen=True, kw_only=True):
    email: str = ""
    kind: str = ""


async def read_thing(call: Call[Any, Any, None]) -> Thing:
    return Thing(address=call.caller.address)


async def change_thing(call: Call[Any, Any, ThingForm]) -> Answer[Thing]:
    match call.body.kind:
        case "refused":
            raise Refused("That is not allowed now.", code="not_allowed")
        case "unreachable":
            raise WorldError("the ledger does not answer")
        case "broken":
            raise RuntimeError("password=secret")
        case "wrong":
            raise ApiError(HTTPStatus.UNAUTHORIZED, "Wrong.", code="wrong")
        case "slow":
            await asyncio.sleep(60)
        case "nothing":
            return Answer(audit={"id": "new"})
    return Answer(document=Thing(address=call.caller.address), audit={"count": 3})


ENDPOINTS = (
    endpoint(read_thing),
    endpoint(read_thing, path="/api/things/{id}", operation_id="readOne", parameters=ThingPath, query=ThingQuery),
    endpoint(
        change_thing,
        method="POST",
        operation_id="changeThing",
        permission=Permission.MIGRATION_CREATE,
        body=ThingForm,
        audit="thing.change",
    ),
    endpoint(
        change_thing,
        method="POST",
        path="/api/sign-in",
        operation_id="signIn",
        permission=Permission.ANYONE,
        body=ThingForm,
        audit="auth.login",
        limit=Limit.SIGN_INS,
    ),
)


@pytest.fixture
async def frame() -> AsyncIterator[Frame]:
    async with frame_of(ENDPOINTS, seconds=1, cors_origins=(ORIGIN,)) as found:
        yield found


async def problem(frame: Frame, method: str, path: str, status: int, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - options of the client
    """The problem that is the answer; every problem is whole and has the frame's headers."""
    async with frame.client.request(method, path, **options) as response:
        assert response.status == status, await response.text()
        assert response.content_type == "application/problem+json"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        found: dict[str, Any] = await response.json()
    assert found["status"] == status
    assert found["requestId"] == response.headers["X-Request-Id"]
    return {**found, "headers": response.headers}


ADMIN = as_role("admin")


async def test_an_answer_has_every_header_and_does_not_name_the_server(frame: Frame) -> None:
    async with frame.client.get("/api/thing", headers=ADMIN) as response:
        assert response.status == 200
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Permissions-Policy" in response.headers
        assert "Server" not in response.headers
        assert "Strict-Transport-Security" not in response.headers


async def test_in_production_browsers_are_told_to_stay_with_tls() -> None:
    async with frame_of(ENDPOINTS, environment=Environment.PRODUCTION) as frame:
        found = await problem(frame, "GET", "/api/thing", 401)
        assert "max-age" in found["headers"]["Strict-Transport-Security"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    (
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/things/no-uuid", 404, "not_found"),
        ("GET", f"{ONE}?limit=many", 400, "bad_request"),
        ("GET", f"{ONE}?unknown=1", 400, "bad_request"),
        ("GET", f"{ONE}?limit=1&limit=2", 400, "bad_request"),
        ("GET", f"{ONE}?search=%00", 400, "bad_request"),
        ("DELETE", "/api/thing", 405, "method_not_allowed"),
        ("OPTIONS", "/api/thing", 405, "method_not_allowed"),
    ),
)
async def test_what_is_not_there_or_not_understood_is_a_problem(
    frame: Frame, method: str, path: str, status: int, code: str
) -> None:
    found = await problem(frame, method, path, status, headers=ADMIN)
    assert found["code"] == code
    if status == 405:
        assert found["headers"]["Allow"] == "GET,POST"


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    (
        (b"{}", "text/plain", 415, "not_json"),
        (b"{", "application/json", 400, "no_json"),
        (b"\xff", "application/json", 400, "no_json"),
        (b"[" * 100_000, "application/json", 400, "bad_request"),
        (b'{"kind": 1}', "application/json", 400, "bad_request"),
        (b'{"unknown": 1}', "application/json", 400, "bad_request"),
        (b'{"kind": "\\u0000"}', "application/json", 400, "bad_request"),
        (b'{"kind": "' + b"a" * (1 << 20) + b'"}', "application/json", 413, "body_too_large"),
    ),
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)
async def test_a_body_that_is_not_understood_is_a_problem(
    frame: Frame, content: bytes, media_type: str, status: int, code: str
) -> None:
    headers = {**ADMIN, "Content-Type": media_type}
    assert (await problem(frame, "POST", "/api/thing", status, data=BytesIO(content), headers=headers))["code"] == code


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    (
        ("refused", 409, "not_allowed"),
        ("unreachable", 503, "world"),
        ("broken", 500, "internal"),
        ("slow", 503, "timeout"),
    ),
)
async def test_whatever_a_handler_raises_is_a_problem_without_its_cause(
    frame: Frame, kind: str, status: int, code: str
) -> None:
    found = await problem(frame, "POST", "/api/thing", status, json={"kind": kind}, headers=ADMIN)
    assert found["code"] == code
    assert "secret" not in str(found)


async def test_a_body_that_comes_too_slowly_is_not_waited_for(frame: Frame) -> None:
    async def drip() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    headers = {**ADMIN, "Content-Type": "application/json"}
    found = await problem(frame, "POST", "/api/thing", 503, data=drip(), headers=headers)
    assert found["code"] == "timeout"
    assert found["headers"]["Connection"] == "close"


async def test_a_request_keeps_an_id_that_is_a_uuid_and_gets_one_otherwise(frame: Frame) -> None:
    own = str(uuid4())
    for sent in (own, "x" * 36, "<script>", ""):
        async with frame.client.get("/api/thing", headers={"X-Request-Id": sent}) as response:
            given = response.headers["X-Request-Id"]
            assert str(UUID(given)) == given
            assert (given == sent) == (sent == own)


async def test_who_is_not_signed_in_or_may_not_is_refused_and_recorded(frame: Frame) -> None:
    assert (await problem(frame, "GET", "/api/thing", 401))["headers"]["WWW-Authenticate"] == "Bearer"
    assert (await problem(frame, "GET", "/api/thing", 401, headers=as_role("forged")))["code"] == "token_refused"
    found = await problem(frame, "POST", "/api/thing", 403, headers=as_role("viewer"), json={})
    assert found["code"] == "forbidden"
    first, second, third = frame.audit.entries
    assert (first.actor, first.action, first.outcome) == ("anyone", "request.refused", Outcome.REFUSED)
    assert second.detail == {"operation": "readThing", "status": 401, "code": "token_refused"}
    assert (third.role, third.action, third.request_id) == ("viewer", "thing.change", found["requestId"])


async def test_people_who_are_not_signed_in_cannot_fill_the_audit_which_keeps_everything() -> None:
    few = LimitPolicy(unsigned_of_address=Rate(count=1, seconds=60, burst=3))
    async with frame_of(ENDPOINTS, policy=few) as frame:
        for _ in range(5):
            await problem(frame, "GET", "/api/thing", 401)
        for _ in range(10):
            await problem(frame, "GET", "/api/thing", 401, headers=as_role("forged"))
        assert len(frame.audit.entries) == 3
        found = await problem(frame, "POST", "/api/thing", 403, headers=as_role("viewer"), json={})
        assert frame.audit.entries[-1].request_id == found["requestId"], "a refusal of somebody known was left out"
        wrong = {"email": "a@example.org", "kind": "wrong"}
        await problem(frame, "POST", "/api/sign-in", 401, json=wrong)
        assert frame.audit.entries[-1].action == "auth.login", "a failed sign-in was left out"


async def test_a_change_is_recorded_before_and_after(frame: Frame) -> None:
    async with frame.client.post("/api/thing", json={}, headers=ADMIN) as response:
        assert response.status == 200
    async with frame.client.post("/api/thing", json={"kind": "nothing"}, headers=ADMIN) as response:
        assert response.status == 204
    await problem(frame, "POST", "/api/thing", 409, json={"kind": "refused"}, headers=ADMIN)
    await problem(frame, "POST", "/api/thing", 500, json={"kind": "broken"}, headers=ADMIN)
    outcomes = [entry.outcome for entry in frame.audit.entries]
    assert outcomes == [
        *(Outcome.BEGUN, Outcome.DONE, Outcome.BEGUN, Outcome.DONE),
        *(Outcome.BEGUN, Outcome.REFUSED, Outcome.BEGUN, Outcome.FAILED),
    ]
    done = dict(frame.audit.entries[1].detail)
    assert UUID(str(done.pop("subject"))).version
    assert done == {"count": 3, "status": 200}
    assert frame.audit.entries[3].object_id == "new"


async def test_a_change_that_cannot_be_recorded_is_not_made(frame: Frame) -> None:
    frame.audit.broken = True
    assert (await problem(frame, "POST", "/api/thing", 503, json={}, headers=ADMIN))["code"] == "world"
    await problem(frame, "GET", "/api/thing", 401)


async def test_a_sign_in_that_cannot_be_recorded_is_not_answered(frame: Frame) -> None:
    frame.audit.broken = True
    await problem(frame, "POST", "/api/sign-in", 503, json={"email": "a@example.org"})


async def test_failed_sign_ins_are_limited_by_account_and_recorded() -> None:
    policy = LimitPolicy(sign_ins_of_address=Rate(count=1000, burst=1000))
    async with frame_of(ENDPOINTS, policy=policy) as frame:
        wrong = {"email": "a@example.org", "kind": "wrong"}
        for _ in range(5):
            await problem(frame, "POST", "/api/sign-in", 401, json=wrong)
        for _ in range(20):
            async with frame.client.post("/api/sign-in", json={"email": "b@example.org"}) as response:
                assert response.status == 200
        found = await problem(frame, "POST", "/api/sign-in", 429, json={"email": "a@example.org"})
        assert int(found["headers"]["Retry-After"]) >= 1
        last = frame.audit.entries[-1]
        assert (last.action, last.outcome, last.detail["code"]) == ("auth.login", Outcome.REFUSED, "too_many_requests")
        assert (last.object_kind, last.object_id) == ("account", "a@example.org")
        assert frame.audit.entries[0].object_id == "a@example.org"


async def test_a_flood_of_one_user_leaves_the_others_alone() -> None:
    policy = LimitPolicy(address=Rate(count=100_000, burst=100_000))
    async with frame_of(ENDPOINTS, policy=policy) as frame:

        async def status(role: str) -> int:
            async with frame.client.get("/api/thing", headers=as_role(role)) as response:
                return response.status

        flood = await asyncio.gather(*(status("admin") for _ in range(100)))
        assert flood.count(429) >= 50
        assert await status("other") == 200


async def test_who_is_not_signed_in_is_limited_by_address() -> None:
    async with frame_of(ENDPOINTS, policy=LimitPolicy(address=Rate(count=1, burst=2))) as frame:
        for _ in range(2):
            await problem(frame, "GET", "/api/thing", 401)
        await problem(frame, "GET", "/api/thing", 429)


async def test_only_an_origin_on_the_list_may_read_answers(frame: Frame) -> None:
    for origin, named in ((ORIGIN, ORIGIN), ("https://evil.example", None), ("null", None), (f"{ORIGIN}.evil", None)):
        async with frame.client.get("/api/thing", headers={**ADMIN, "Origin": origin}) as response:
            assert response.headers.get("Access-Control-Allow-Origin") == named
            assert response.headers.get("Access-Control-Allow-Credentials") == (named and "true")
            assert response.headers["Vary"] == "Origin"


async def test_a_preflight_is_answered_for_an_origin_on_the_list_only(frame: Frame) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    async with frame.client.options("/api/thing", headers=headers) as response:
        assert response.status == 204
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    await problem(frame, "OPTIONS", "/api/thing", 405, headers={**headers, "Origin": "https://evil.example"})


@pytest.mark.parametrize(
    ("headers", "status"),
    (
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "null", "Host": ""}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": ORIGIN}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 200),
    ),
)
async def test_a_change_with_a_cookie_is_made_for_our_own_pages_only(
    frame: Frame, headers: dict[str, str], status: int
) -> None:
    given = {**headers, "Cookie": "transfuse_refresh=a"}
    async with frame.client.post("/api/sign-in", json={}, headers=given) as response:
        assert response.status == status


async def test_the_address_is_that_of_the_client_behind_a_trusted_proxy() -> None:
    forwarded = {**ADMIN, "X-Forwarded-For": "6.6.6.6, 203.0.113.7"}
    for trusted, address in (((ip_network("127.0.0.0/8"),), "203.0.113.7"), ((), "127.0.0.1")):
        async with (
            frame_of(ENDPOINTS, trusted_proxies=trusted) as frame,
            frame.client.get("/api/thing", headers=forwarded) as response,
        ):
            assert await response.json() == {"address": address}


async def test_who_leaves_before_the_answer_leaves_no_trace_in_the_next_one(frame: Frame) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            await frame.client.post("/api/thing", json={"kind": "slow"}, headers=ADMIN)
    async with frame.client.get("/api/thing", headers=ADMIN) as response:
        assert response.status == 200


async def test_requests_are_counted_by_the_template_of_their_route(frame: Frame) -> None:
    def counted(route: str, status: str) -> float:
        return (
            REGISTRY.get_sample_value(
                "transfuse_http_requests_total", {"method": "GET", "route": route, "status": status}
            )
            or 0.0
        )

    before = counted("/api/things/{id}", "200"), counted("none", "404")
    async with frame.client.get(ONE, headers=ADMIN) as response:
        assert response.status == 200
    await problem(frame, "GET", f"/made-up/{uuid4()}", 404)
    assert (counted("/api/things/{id}", "200"), counted("none", "404")) == (before[0] + 1, before[1] + 1)


async def test_an_expectation_that_nobody_knows_changes_nothing(frame: Frame) -> None:
    async with frame.client.get("/api/thing", headers={**ADMIN, "Expect": "a-miracle"}) as response:
        assert response.status == 200
    found = await problem(frame, "GET", "/api/thing", 401, headers={"Expect": "a-miracle"})
    assert found["code"] == "not_signed_in"


async def test_a_body_is_asked_for_where_the_client_waits_for_that(frame: Frame) -> None:
    async with frame.client.post("/api/thing", json={}, headers=ADMIN, expect100=True) as response:
        assert response.status == 200


async def test_who_asks_while_the_keys_cannot_be_had_is_counted_all_the_same() -> None:
    few = LimitPolicy(address=Rate(count=1, seconds=60, burst=2))
    async with frame_of(ENDPOINTS, policy=few) as frame:
        headers = {"Authorization": "Bearer unavailable"}
        for _ in range(2):
            await problem(frame, "GET", "/api/thing", 503, headers=headers)
        await problem(frame, "GET", "/api/thing", 429, headers=headers)
