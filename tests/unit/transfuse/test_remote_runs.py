"""Starting over a network that fails, and whom a token is shown to."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.gateway.documents.migrations import MigrationDocument, MigrationList
from services.gateway.documents.runs import RunDocument
from shared.core.errors import Refused
from shared.core.run_options import RunOptions
from shared.core.states import JobType, LoadMode, RunKind, RunState
from shared.ledger.register import Overall, ShownState
from shared.plan.reader import read_plan
from tests.harness import clinic
from transfuse.remote.access import GivenToken
from transfuse.remote.address import api_address
from transfuse.remote.client import ApiClient
from transfuse.remote.runs import GatewayRuns
from transfuse.remote.transport import transport
from transfuse.run_control import AskedRun

AT = datetime(2026, 1, 2, tzinfo=UTC)
RUN = RunDocument(
    id=UUID(int=1),
    migration_id=UUID(int=2),
    migration="clinic",
    type=JobType.MIGRATION,
    kind=RunKind.MIGRATE,
    mode=LoadMode.INSERT,
    state=RunState.PENDING,
    priority=5,
    actor="ops@example.org",
    plan="clinic",
    plan_version=1,
    reason="",
    message="",
    remedy="",
    created_at=AT,
    started_at=None,
    finished_at=None,
)
MIGRATION = MigrationDocument(
    id=RUN.migration_id,
    name="clinic",
    status=ShownState.PENDING,
    plan="clinic",
    plan_version=1,
    source="default",
    target="default",
    created_at=AT,
    created_by="ops@example.org",
    last_run=None,
)


class Unsteady:
    """A gateway whose first answers to a start are lost on the way."""

    def __init__(self, lost: int) -> None:
        self.keys: list[str] = []
        self.forms: list[dict[str, object]] = []
        self._lost = lost

    async def plan(self, _request: web.Request) -> web.Response:
        return web.json_response({"version": 1, "versions": [{"version": 1}]})

    async def migrations(self, _request: web.Request) -> web.Response:
        listed = MigrationList(migrations=(MIGRATION,), total=1, status=Overall.IDLE, next_cursor=None)
        return web.Response(body=msgspec.json.encode(listed))

    async def start(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        self.forms.append(await request.json())
        if len(self.keys) <= self._lost:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=202, body=msgspec.json.encode(RUN))


@asynccontextmanager
async def serving(gateway: Unsteady, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_put("/api/plans/clinic", gateway.plan)
    app.router.add_get("/api/migrations", gateway.migrations)
    app.router.add_post("/api/migrations/start", gateway.start)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(ssl=context)
    try:
        assert server.port is not None
        yield server.port
    finally:
        await server.close()


def asked(folder: Path, **options: int) -> AskedRun:
    plan = read_plan(Path(clinic.written(folder, clinic.PLAN)))
    return AskedRun(plan=plan, migration="clinic", options=RunOptions(**options))  # type: ignore[arg-type]


async def test_a_start_whose_answer_is_lost_is_asked_for_again_under_the_same_key(tmp_path: Path) -> None:
    gateway = Unsteady(lost=2)
    async with serving(gateway) as port, transport(api_address(f"http://127.0.0.1:{port}")) as way:
        assert await GatewayRuns(ApiClient(way, GivenToken("t"))).start(asked(tmp_path)) == RUN.id
    assert len(gateway.keys) == 3
    assert len(set(gateway.keys)) == 1


async def test_a_dry_run_is_asked_for_with_the_mode_that_it_tries(tmp_path: Path) -> None:
    gateway = Unsteady(lost=0)
    dry = msgspec.structs.replace(asked(tmp_path), mode=LoadMode.CHECK, options=RunOptions(tries=LoadMode.MERGE))
    async with serving(gateway) as port, transport(api_address(f"http://127.0.0.1:{port}")) as way:
        await GatewayRuns(ApiClient(way, GivenToken("t"))).start(dry)
    (form,) = gateway.forms
    options = form["options"]
    assert isinstance(options, dict)
    assert (options["validateOnly"], options["mode"]) == (True, "merge")


async def test_what_the_api_does_not_offer_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    async with transport(api_address("https://portal.invalid")) as way:
        with pytest.raises(Refused) as refused:
            await GatewayRuns(ApiClient(way, GivenToken("t"))).start(asked(tmp_path, batch_bytes=2048))
    assert "--batch-bytes" in refused.value.remedy


async def test_a_gateway_whose_certificate_nobody_vouches_for_is_sent_nothing(tmp_path: Path) -> None:
    gateway = Unsteady(lost=0)
    async with (
        serving(gateway, self_signed(tmp_path)) as port,
        transport(api_address(f"https://127.0.0.1:{port}")) as way,
    ):
        with pytest.raises(Refused) as refused:
            await way.send("POST", "/api/migrations/start", content=b"{}", headers={"Idempotency-Key": "k"})
    assert refused.value.code == "untrusted_api"
    assert gateway.keys == []


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    both = folder / "both.pem"
    both.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context
