"""The gateway serving the dashboard, asked by clients that send paths as they are."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from services.gateway.dashboard import FOR_EVER
from services.gateway.dashboard_files import SOURCES, read_files
from services.gateway.resources.table import ENDPOINTS
from shared.runtime.mount import Mount
from tests.harness.api import gateway_on
from tests.harness.frame import frame_of

SCRIPT = "export const answer = 42; " * 100
PAGE = (
    '<!doctype html><meta property="csp-nonce" nonce="{{nonce}}" /><script type="module" src="/assets/a-1.js"></script>'
)
UNCOMPRESSED = {"Accept-Encoding": "identity"}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A small build, in a folder with a secret beside it."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("not for anybody", encoding="utf-8")
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    (folder / "mark.svg").write_text("<svg/>", encoding="utf-8")
    (folder / SOURCES).write_text("0123", encoding="utf-8")
    (folder / "assets" / "a-1.js").write_text(SCRIPT, encoding="utf-8")
    (folder / "assets" / "inter-1.woff2").write_bytes(b"wOF2" * 10)
    return folder


@pytest.fixture
async def client(build: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Nobody in particular, in front of a gateway with the small build."""
    async with frame_of(ENDPOINTS, files=read_files(build), socket_url="https://events.example.org") as frame:
        yield frame.client


@pytest.mark.parametrize(
    "path",
    ("/", "/index.html", "/migrations", "/runs/3f2c/quarantine?rule=x", "/plans/portal.v2", "/apiary", "/sign-in"),
)
async def test_every_address_of_a_page_opens_the_page(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as response:
        assert (response.status, response.content_type) == (HTTPStatus.OK, "text/html")
        assert response.headers["Cache-Control"] == "no-cache"
        assert "/assets/a-1.js" in await response.text()


async def test_the_policy_of_a_page_has_no_unsafe_rule_and_a_nonce_of_its_own(client: aiohttp.ClientSession) -> None:
    nonces = set()
    for _ in range(2):
        async with client.get("/") as response:
            policy, text = response.headers["Content-Security-Policy"], await response.text()
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy
        assert "connect-src 'self' https://events.example.org wss://events.example.org;" in policy
        nonce = policy.split("'nonce-")[1].split("'")[0]
        assert f'nonce="{nonce}"' in text
        nonces.add(nonce)
    assert len(nonces) == 2


async def test_hashed_files_are_kept_for_ever_and_the_others_asked_for_again(client: aiohttp.ClientSession) -> None:
    for path, media_type, kept in (
        ("/assets/a-1.js", "text/javascript", FOR_EVER),
        ("/assets/inter-1.woff2", "font/woff2", FOR_EVER),
        ("/mark.svg", "image/svg+xml", "no-cache"),
    ):
        async with client.get(path) as response:
            assert (response.status, response.content_type) == (HTTPStatus.OK, media_type)
            assert response.headers["Cache-Control"] == kept
            etag = response.headers["ETag"]
        async with client.get(path, headers={"If-None-Match": f'"other", W/{etag}'}) as response:
            assert (response.status, await response.read()) == (HTTPStatus.NOT_MODIFIED, b"")


async def test_text_is_sent_compressed_to_those_who_take_it(build: Path) -> None:
    async with (
        frame_of(ENDPOINTS, files=read_files(build)) as frame,
        aiohttp.ClientSession(frame.server.make_url("/"), auto_decompress=False) as client,
    ):
        async with client.get("/assets/a-1.js", headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert "Accept-Encoding" in response.headers.getall("Vary")
            body = await response.read()
            assert len(body) < len(SCRIPT) / 5
            assert gzip.decompress(body).decode() == SCRIPT
        async with client.get("/assets/a-1.js", headers=UNCOMPRESSED) as response:
            assert "Content-Encoding" not in response.headers
            assert await response.text() == SCRIPT
        async with client.get("/assets/inter-1.woff2", headers={"Accept-Encoding": "gzip"}) as response:
            assert "Content-Encoding" not in response.headers


@pytest.mark.parametrize("path", ("/", "/assets/a-1.js", "/mark.svg", "/runs/1"))
async def test_head_tells_what_get_would_send(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path, headers=UNCOMPRESSED) as response:
        told = (response.status, response.content_type, response.headers["Content-Length"])
    async with client.head(path, headers=UNCOMPRESSED) as response:
        assert (response.status, response.content_type, response.headers["Content-Length"]) == told
        assert await response.read() == b""


@pytest.mark.parametrize("path", ("/assets/a-0.js", "/assets/", "/favicon.ico", "/robots.txt", f"/{SOURCES}"))
async def test_a_file_that_is_not_there_is_not_the_page(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as response:
        assert (response.status, response.content_type) == (HTTPStatus.NOT_FOUND, "application/problem+json")
        assert (await response.json(content_type=None))["code"] == "not_found"


@pytest.mark.parametrize("path", ("/api", "/api/", "/api/nothing", "/api/docs/nothing.js", "/socket.io/", "/socket.io"))
async def test_what_the_api_does_not_know_is_a_problem_and_no_page(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as response:
        assert response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}
        assert response.content_type == "application/problem+json"


async def test_pages_are_only_read_and_endpoints_still_name_their_methods(client: aiohttp.ClientSession) -> None:
    async with client.post("/migrations") as response:
        assert (response.status, response.headers["Allow"]) == (HTTPStatus.METHOD_NOT_ALLOWED, "GET,HEAD")
    async with client.get("/api/auth/login") as response:
        assert (response.status, response.headers["Allow"]) == (HTTPStatus.METHOD_NOT_ALLOWED, "POST")


@pytest.mark.parametrize(
    "path",
    (
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%5c..%5csecret.txt",
        "/assets//../../secret.txt",
        "/static/../../secret.txt",
        "//secret.txt",
        "/secret.txt%00.js",
    ),
)
async def test_no_path_leads_out_of_the_build(client: aiohttp.ClientSession, build: Path, path: str) -> None:
    assert client._base_url is not None
    reader, writer = await asyncio.open_connection(client._base_url.host, client._base_url.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = (await asyncio.wait_for(reader.read(), 10)).decode()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith("HTTP/1.1 ")
    assert "not for anybody" not in answer


async def test_the_headers_that_everything_has_are_on_pages_and_files(client: aiohttp.ClientSession) -> None:
    for path in ("/", "/assets/a-1.js", "/nothing.js"):
        async with client.get(path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["X-Frame-Options"] == "DENY"
            assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
            assert "X-Request-Id" in response.headers
            assert "Server" not in response.headers


async def test_without_a_build_a_page_says_how_to_make_one(tmp_path: Path) -> None:
    async with frame_of(ENDPOINTS, files=read_files(tmp_path / "nothing")) as frame:
        async with frame.client.get("/migrations") as response:
            assert (response.status, response.content_type) == (HTTPStatus.SERVICE_UNAVAILABLE, "text/html")
            assert "make dashboard" in await response.text()
        async with frame.client.get("/api/openapi.json") as response:
            assert response.status == HTTPStatus.OK


async def test_everything_that_the_packaged_page_names_is_there(postgres_server: str) -> None:
    async with gateway_on(postgres_server) as api, api.anyone() as client:
        async with client.get("/") as response:
            assert response.status == HTTPStatus.OK, "`make dashboard` builds it"
            text = await response.text()
        named = [part.split('"')[0] for part in text.replace('href="', 'src="').split('src="')[1:]]
        assert any(path.endswith(".js") for path in named)
        assert any(path.endswith(".css") for path in named)
        for path in named:
            assert not URL(path).absolute, "everything comes from the gateway"
            async with client.get(path) as response:
                assert response.status == HTTPStatus.OK, path


async def test_sockets_beside_the_pages_stay_open_and_end_with_the_gateway(build: Path) -> None:
    mount, ended = Mount("/socket.io/"), asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await ended.wait()
        await socket.close()
        return socket

    async def close() -> None:
        ended.set()

    async with frame_of(ENDPOINTS, files=read_files(build), mount=mount, seconds=0.05) as frame:
        async with frame.client.get("/socket.io/") as response:
            assert response.status == HTTPStatus.SERVICE_UNAVAILABLE, "nobody is there yet"
        mount.take(answer, close)
        async with frame.client.ws_connect("/socket.io/") as socket:
            with pytest.raises(TimeoutError):
                await socket.receive(0.3)  # several times as long as any other request may take
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(frame.server.close(), name="gateway closing")
                assert (await socket.receive(5)).type is aiohttp.WSMsgType.CLOSE
