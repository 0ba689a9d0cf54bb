"""What a client may do to the protocol itself: nothing of it reaches anybody else."""

from __future__ import annotations

import aiohttp
import pytest

from services.notifier.limits import SocketLimits
from tests.harness.sockets import ANSWER_SECONDS, Notifier, ended, entry, raw, sockets_on

ASK = "/socket.io/?EIO=4&transport="
ORIGINS = {
    "https://portal.example.org": 101,
    "https://portal.example.org.evil.example": 403,
    "http://portal.example.org": 403,
    "https://portal.example.org:444": 403,
    "https://evil.example": 403,
    "null": 403,
    "": 403,
}
PACKETS = (
    "4",
    "42",
    "42{}",
    "42[]",
    "42[7]",
    "42[[]]",
    '42[{"a":1}]',
    '42["disconnect"]',
    '42["connect",{},{"token":"x"}]',
    '451-["migration:subscribe",{"_placeholder":true,"num":0}]',
    '459999999999-["migration:subscribe"]',
    "4" + "[" * 8000,
    "42" + "[" * 8000,
    "42[" + "9" * 8000 + "]",
    '42["system:subscribe"' + ',"x"' * 2000 + "]",
    "43999[]",
    "40",
    entry("admin"),
    "40/other,{}",
    "40/admin,{}",
    "9",
    "x",
    "2probe",
    "5",
    "44{}",
)


async def answered(url: str, **headers: str) -> tuple[int, str]:
    """The answer to a request for a websocket that is refused."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(url, headers=headers) as socket:
                return 101, await socket.receive_str(timeout=ANSWER_SECONDS)
        except aiohttp.WSServerHandshakeError as error:
            return error.status, error.message


async def test_pages_come_from_an_exact_list(postgres_server: str) -> None:
    async with sockets_on(postgres_server, cors_origins=("https://portal.example.org",)) as sockets:
        url = f"{sockets.notifiers[0].url}{ASK}websocket"
        assert {origin: (await answered(url, Origin=origin))[0] for origin in ORIGINS} == ORIGINS


async def test_pages_of_the_own_origin_may_come(notifier: Notifier) -> None:
    assert (await answered(f"{notifier.url}{ASK}websocket", Origin=notifier.url))[0] == 101


async def test_polling_is_no_way_in(notifier: Notifier) -> None:
    async with aiohttp.ClientSession(notifier.url) as session:
        for method in ("GET", "POST", "OPTIONS"):
            async with session.request(method, f"{ASK}polling") as response:
                assert response.status in {400, 405}
                assert "Server" not in response.headers
                assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_whoever_asks_for_nothing_is_put_out(postgres_server: str) -> None:
    async with (
        sockets_on(postgres_server, limits=SocketLimits(admission=0.2)) as sockets,
        raw(sockets.notifiers[0].url, entry()) as admitted,
        raw(sockets.notifiers[0].url) as silent,
    ):
        assert await ended(silent)
        await admitted.send_str('420["system:subscribe"]')
        assert (await admitted.receive_str(timeout=ANSWER_SECONDS)).startswith('42["system:metrics"')


async def test_whoever_was_refused_and_stays_is_put_out(notifier: Notifier) -> None:
    async with raw(notifier.url) as socket:
        await socket.send_str('40{"token":"x"}')
        assert (await socket.receive_str(timeout=ANSWER_SECONDS)).startswith("44")
        await socket.send_str('420["system:subscribe"]')
        assert await ended(socket)


async def test_packets_that_no_client_sends_change_nothing_for_anybody_else(notifier: Notifier) -> None:
    for packet in PACKETS:
        async with raw(notifier.url, entry()) as socket, notifier.client() as other:
            await socket.send_str(packet)
            await socket.send_str('427["system:subscribe"]')
            assert not any(line.startswith("42") and "metrics" not in line for line in await lines(socket)), packet
            assert await other.ask("system:subscribe") == {"ok": True}, packet


async def lines(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
    """What is said until an event is acknowledged or the connection has ended."""
    found: list[str] = []
    while not any(line.startswith("437") for line in found):
        message = await socket.receive(timeout=ANSWER_SECONDS)
        if message.type is not aiohttp.WSMsgType.TEXT:
            break
        found.append(message.data)
    return found


@pytest.mark.parametrize("kind", ("binary", "too long", "many"))
async def test_what_is_out_of_bounds_ends_the_connection(notifier: Notifier, kind: str) -> None:
    async with raw(notifier.url, entry()) as socket, notifier.client() as other:
        match kind:
            case "binary":
                await socket.send_bytes(b"42[]")
            case "too long":
                await socket.send_str('42["' + "x" * 20_000 + '"]')
            case _:
                for _ in range(200):
                    await socket.ping()
        assert await ended(socket)
        assert await other.ask("system:subscribe") == {"ok": True}


async def test_there_is_room_for_so_many_connections(postgres_server: str) -> None:
    async with sockets_on(postgres_server, limits=SocketLimits(connections=1)) as sockets:
        url = sockets.notifiers[0].url
        async with raw(url, entry()) as first:
            assert (await answered(f"{url}{ASK}websocket"))[0] == 503
            await first.close()
        async with raw(url, entry()):
            pass


async def test_a_notifier_that_stops_sends_its_clients_elsewhere(postgres_server: str) -> None:
    async with sockets_on(postgres_server) as sockets, raw(sockets.notifiers[0].url, entry()) as socket:
        await sockets.notifiers[0].drain()
        last = await socket.receive(timeout=ANSWER_SECONDS)
        assert (last.type, last.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)
