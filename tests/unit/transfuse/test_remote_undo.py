"""An undo over the API: which run it takes where none is named, and what it asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.gateway.documents.migrations import MigrationDocument, MigrationList
from services.gateway.documents.runs import RunDocument
from shared.core.errors import Refused
from shared.core.run_options import BuiltOn
from shared.core.states import JobType, LoadMode, RunKind, RunState
from shared.ledger.register import Overall, ShownState
from transfuse.remote.access import GivenToken
from transfuse.remote.address import api_address
from transfuse.remote.client import ApiClient
from transfuse.remote.runs import GatewayRuns
from transfuse.remote.transport import transport

AT = datetime(2026, 1, 2, tzinfo=UTC)


def run(number: int, **fields: object) -> RunDocument:
    """A run, the younger the higher its number."""
    usual = {
        "id": UUID(int=number),
        "migration_id": UUID(int=99),
        "migration": "clinic",
        "type": JobType.MIGRATION,
        "kind": RunKind.MIGRATE,
        "mode": LoadMode.INSERT,
        "state": RunState.COMPLETED,
        "priority": 5,
        "actor": "ops@example.org",
        "plan": "clinic",
        "plan_version": 1,
        **dict.fromkeys(("reason", "message", "remedy"), ""),
        "created_at": AT + timedelta(hours=number),
        "started_at": None,
        "finished_at": None,
    }
    return RunDocument(**{**usual, **fields})  # type: ignore[arg-type]


@asynccontextmanager
async def gateway(runs: list[RunDocument], asked: list[tuple[str, bytes]]) -> AsyncIterator[GatewayRuns]:
    """One migration with these runs; `asked` gets every undo that is asked for."""
    migration = MigrationDocument(
        id=UUID(int=99),
        name="clinic",
        status=ShownState.COMPLETED,
        plan="clinic",
        plan_version=1,
        source="default",
        target="default",
        created_at=AT,
        created_by="",
        last_run=runs[-1],
    )

    async def migrations(_request: web.Request) -> web.Response:
        listed = MigrationList(migrations=(migration,), total=1, status=Overall.IDLE, next_cursor=None)
        return web.Response(body=msgspec.json.encode(listed))

    async def listed_runs(_request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode({"runs": runs[::-1], "nextCursor": None}))

    async def undo(request: web.Request) -> web.Response:
        asked.append((request.match_info["id"], await request.read()))
        return web.Response(status=202, body=msgspec.json.encode(run(50, kind=RunKind.UNDO)))

    app = web.Application()
    app.router.add_get("/api/migrations", migrations)
    app.router.add_get("/api/migrations/{id}/runs", listed_runs)
    app.router.add_post("/api/runs/{id}/undo", undo)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    try:
        async with transport(api_address(f"http://127.0.0.1:{server.port}")) as way:
            yield GatewayRuns(ApiClient(way, GivenToken("t")))
    finally:
        await server.close()


async def test_the_youngest_run_whose_rows_are_still_there_is_the_one_that_is_meant() -> None:
    asked: list[tuple[str, bytes]] = []
    runs = [
        run(1),
        run(2),
        run(3, undone_at=AT),
        run(4, kind=RunKind.UNDO, about=UUID(int=3)),
        run(5, kind=RunKind.VALIDATE, mode=LoadMode.CHECK),
        run(6, state=RunState.RUNNING),
    ]
    async with gateway(runs, asked) as there:
        meant = await there.run_to_undo(None)
        assert meant == UUID(int=2)
        assert await there.run_to_undo(UUID(int=1)) == UUID(int=1)
        assert await there.undo(meant, BuiltOn.KEEP) == UUID(int=50)
    assert asked == [(str(meant), b'{"builtOn":"keep"}')]


async def test_where_no_run_wrote_anything_there_is_nothing_to_undo() -> None:
    async with gateway([run(1, undone_at=AT)], []) as there:
        with pytest.raises(Refused) as refused:
            await there.run_to_undo(None)
    assert refused.value.code == "nothing_to_undo"
