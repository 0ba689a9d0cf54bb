"""What becomes of answers that are not the ones asked for, and of tokens that end."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.gateway.api.problems import Finding, Problem
from services.gateway.documents.sign_in import SignedInDocument, SignedInUser
from shared.core.errors import Refused, TransfuseError
from shared.identity.permissions import Role
from transfuse.remote.access import GivenToken, Session, access_to
from transfuse.remote.address import ApiAddress, api_address
from transfuse.remote.client import ApiClient
from transfuse.remote.failures import ApiUnreachable, NotSignedIn
from transfuse.remote.kept_session import KeptSession, SessionFile
from transfuse.remote.transport import transport

Answers = Callable[[web.Request], web.Response]


class Gateway:
    """Answers what it is told to, one after the other, the last one again and again; keeps what it was asked."""

    def __init__(self, *answers: web.Response | Answers) -> None:
        self.asked: list[tuple[str, str, str, str]] = []
        self._answers = deque(answers)

    async def answer(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        self.asked.append((request.method, request.path, request.headers.get("Authorization", ""), body))
        found = self._answers[0] if len(self._answers) == 1 else self._answers.popleft()
        return found(request) if callable(found) else found


@asynccontextmanager
async def serving(gateway: Gateway) -> AsyncIterator[ApiAddress]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway.answer)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    try:
        yield api_address(f"http://127.0.0.1:{server.port}")
    finally:
        await server.close()


def told(status: int, **fields: object) -> web.Response:
    problem = Problem(title="", status=status, **{"detail": "It is so.", "code": "so", "remedy": "Do this.", **fields})  # type: ignore[arg-type]
    return web.Response(status=status, body=msgspec.json.encode(problem), content_type="application/problem+json")


async def refusal(*answers: web.Response) -> TransfuseError:
    gateway = Gateway(*answers)
    async with serving(gateway) as address, transport(address) as way:
        with pytest.raises(TransfuseError) as raised:
            await ApiClient(way, GivenToken("t")).get("/api/x", dict)
    return raised.value


async def test_a_problem_is_told_with_its_findings_and_its_remedy() -> None:
    findings = (
        Finding(message="Expected `int`", field="limit"),
        Finding(message="no such table", file="plan.yml", line=3, column=7),
    )
    error = await refusal(told(422, errors=findings))
    assert str(error) == "It is so.\n  limit: Expected `int`\n  plan.yml:3:7: no such table"
    assert (error.code, error.remedy) == ("so", "Do this.")


@pytest.mark.parametrize("status", (502, 503, 504))
async def test_a_gateway_that_cannot_answer_now_is_waited_for(status: int) -> None:
    assert isinstance(await refusal(told(status)), ApiUnreachable)
    assert isinstance(await refusal(web.Response(status=status, text="<html>bad gateway</html>")), ApiUnreachable)


@pytest.mark.parametrize(
    "answer",
    (
        web.Response(status=200, text="<html>welcome</html>"),
        web.Response(status=404, text="<html>no such page</html>"),
        web.Response(status=302, headers={"Location": "http://192.0.2.1/"}),
        web.Response(status=200, body=b"[1]", content_type="application/json"),
    ),
    ids=("page", "missing page", "redirect", "other document"),
)
async def test_what_is_no_gateway_is_said_to_be_none(answer: web.Response) -> None:
    error = await refusal(answer)
    assert isinstance(error, Refused)
    assert error.code == "foreign_answer"
    assert "html" not in str(error)


async def test_nobody_there_names_the_address() -> None:
    async with serving(Gateway(told(500))) as address:
        pass
    async with transport(address) as way:
        with pytest.raises(ApiUnreachable) as raised:
            await ApiClient(way, GivenToken("t")).get("/api/x", dict)
    assert address.origin in str(raised.value)


async def test_told_to_come_back_it_does_and_if_that_is_long_it_says_so() -> None:
    gateway = Gateway(
        *(web.Response(status=429, headers={"Retry-After": "0"}) for _ in range(2)), web.json_response({"a": 1})
    )
    async with serving(gateway) as address, transport(address) as way:
        assert await ApiClient(way, GivenToken("t")).get("/api/x", dict) == {"a": 1}
    assert len(gateway.asked) == 3
    long = told(429, detail="You ask too often.")
    long.headers["Retry-After"] = "60"
    error = await refusal(long)
    assert str(error) == "You ask too often."


async def test_a_given_token_that_is_refused_is_asked_for_anew() -> None:
    error = await refusal(told(401))
    assert isinstance(error, NotSignedIn)
    assert "TRANSFUSE_TOKEN" in error.remedy


def test_a_given_token_comes_first_and_must_be_one(tmp_path: Path) -> None:
    address = api_address("https://portal.example.org")
    process = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert isinstance(access_to(address, {**process, "TRANSFUSE_TOKEN": " t "}), GivenToken)
    assert isinstance(access_to(address, {**process, "TRANSFUSE_TOKEN": ""}), Session)
    with pytest.raises(Refused):
        access_to(address, {"TRANSFUSE_TOKEN": "a\r\nX-Header: b"})


class Accounts:
    """A gateway that gives tokens in turn and takes the youngest only; a refresh token is good once."""

    def __init__(self) -> None:
        self.number = 0

    def answer(self, request: web.Request) -> web.Response:
        if request.path == "/api/auth/refresh":
            if request.cookies.get("transfuse_refresh") != f"refresh-{self.number}":
                return told(401)
            self.number += 1
            response = web.Response(body=msgspec.json.encode(self.signed_in()), content_type="application/json")
            response.set_cookie("transfuse_refresh", f"refresh-{self.number}", path="/api/auth", httponly=True)
            return response
        if request.headers["Authorization"] != f"Bearer token-{self.number}":
            return told(401)
        return web.json_response({"number": self.number})

    def signed_in(self) -> SignedInDocument:
        user = SignedInUser(id=UUID(int=1), email="ops@example.org", role=Role.ADMIN)
        return SignedInDocument(access_token=f"token-{self.number}", expires_in=600, user=user)


def kept(folder: Path, address: ApiAddress, *, seconds: float) -> SessionFile:
    file = SessionFile(folder / "one.json")
    file.write(
        KeptSession(
            api=address.origin,
            email="ops@example.org",
            cookies={"transfuse_refresh": "refresh-0"},
            access_token="token-0",
            expires_at=time.time() + seconds,
        )
    )
    return file


@pytest.mark.parametrize("seconds", (-1.0, 5.0))
async def test_a_token_that_ends_soon_is_renewed_once_for_all_who_ask_at_a_time(tmp_path: Path, seconds: float) -> None:
    gateway = Gateway(Accounts().answer)
    async with serving(gateway) as address, transport(address) as way:
        file = kept(tmp_path, address, seconds=seconds)
        clients = [ApiClient(way, Session(SessionFile(file.path))) for _ in range(5)]
        answers = await asyncio.gather(*(client.get("/api/x", dict) for client in clients))
    assert answers == [{"number": 1}] * 5
    assert [path for _, path, _, _ in gateway.asked].count("/api/auth/refresh") == 1
    session = file.read()
    assert session is not None
    assert (session.access_token, session.cookies) == ("token-1", {"transfuse_refresh": "refresh-1"})


async def test_a_token_that_is_refused_before_its_end_is_renewed(tmp_path: Path) -> None:
    accounts = Accounts()
    gateway = Gateway(told(401), accounts.answer)
    async with serving(gateway) as address, transport(address) as way:
        client = ApiClient(way, Session(kept(tmp_path, address, seconds=600)))
        assert await client.get("/api/x", dict) == {"number": 1}


async def test_a_session_that_has_ended_says_how_to_sign_in(tmp_path: Path) -> None:
    async with serving(Gateway(lambda _: told(401))) as address, transport(address) as way:
        for file in (
            kept(tmp_path, address, seconds=600),
            kept(tmp_path, address, seconds=-1),
            SessionFile(tmp_path / "no"),
        ):
            with pytest.raises(NotSignedIn) as raised:
                await ApiClient(way, Session(file)).get("/api/x", dict)
            assert raised.value.remedy == f"Sign in with `transfuse login --api {address.origin}`."


async def test_a_session_of_another_gateway_is_never_sent(tmp_path: Path) -> None:
    gateway = Gateway(told(401))
    async with serving(gateway) as address, transport(address) as way:
        file = kept(tmp_path, api_address("https://portal.example.org"), seconds=600)
        with pytest.raises(NotSignedIn):
            await ApiClient(way, Session(file)).get("/api/x", dict)
    assert gateway.asked == []
