"""The frame of the API around endpoints that a test makes up: a real listening application, nothing behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import aiohttp
from aiohttp.test_utils import TestServer

from services.gateway.api.application import REQUEST_SECONDS, make_application
from services.gateway.api.endpoint import Endpoint, Tag
from services.gateway.api.limits.gcra import LocalGcra
from services.gateway.api.limits.policy import LimitPolicy, unlimited
from services.gateway.api.limits.requests import RequestLimits
from services.gateway.api.surroundings import Surroundings
from services.gateway.dashboard import Dashboard
from services.gateway.dashboard_files import DashboardFile
from services.gateway.settings import GatewaySettings
from shared.core.errors import WorldError
from shared.identity.identity import Identity, TokenRefused
from shared.identity.permissions import Permission, Role
from shared.ledger.audit import AuditEntry
from shared.runtime.mount import Mount
from shared.settings.environ import Environment


def identity(role: Role | None) -> Identity:
    """Somebody new with a role."""
    now = datetime.now(UTC)
    subject = uuid4()
    return Identity(
        subject=subject,
        role=role,
        email=f"{role}-{subject.hex[:8]}@example.org",
        session=str(uuid4()),
        issued_at=now,
        expires_at=now + timedelta(minutes=10),
    )


class Audit:
    """Keeps entries in a list; refuses them while `broken`."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.broken = False

    async def append(self, entry: AuditEntry) -> int:
        if self.broken:
            raise WorldError("the ledger does not answer")
        self.entries.append(entry)
        return len(self.entries)


class Verifier:
    """The token is the name of a role, or `none`; anything else is refused, `unavailable` for want of keys."""

    def __init__(self) -> None:
        self._known: dict[str, Identity] = {
            **{role.value: identity(role) for role in Role},
            "none": identity(None),
            "other": identity(Role.ADMIN),
        }

    async def verify(self, token: str) -> Identity:
        if token == "unavailable":
            raise WorldError("the keys cannot be had")
        if token not in self._known:
            raise TokenRefused("a token does not verify")
        return self._known[token]


class Frame:
    """One application. `audit` has the entries that it made."""

    def __init__(self, server: TestServer, audit: Audit, client: aiohttp.ClientSession) -> None:
        self.server = server
        self.audit = audit
        self.client = client


@asynccontextmanager
async def frame_of(
    endpoints: Sequence[Endpoint],
    *,
    policy: LimitPolicy | None = None,
    files: Mapping[str, DashboardFile] | None = None,
    mount: Mount | None = None,
    seconds: float = REQUEST_SECONDS,
    **settings: Any,  # noqa: ANN401 - fields of the settings
) -> AsyncIterator[Frame]:
    """The endpoints within the frame, a dashboard of the given files, and a client that is not signed in."""
    audit = Audit()
    given: dict[str, Any] = {"environment": Environment.TEST, "ledger": None, **settings}
    nothing = cast("Any", None)
    api = Surroundings(
        **{
            **dict.fromkeys(Surroundings.__struct_fields__, nothing),
            "settings": GatewaySettings(**given),
            "audit": audit,
            "limits": RequestLimits(LocalGcra(), policy or unlimited()),
            "verifier": Verifier(),
        }
    )
    dashboard = None if files is None else Dashboard(files, api.settings)
    app = make_application(api, endpoints, dashboard=dashboard, mount=mount, request_seconds=seconds)
    server = TestServer(app)
    async with server, aiohttp.ClientSession(server.make_url("/")) as client:
        yield Frame(server, audit, client)


def endpoint(handler: Any, **fields: Any) -> Endpoint:  # noqa: ANN401 - any handler, any field
    """An endpoint `GET /api/thing` for a viewer, but for what is given."""
    given: dict[str, Any] = {
        "method": "GET",
        "path": "/api/thing",
        "operation_id": "readThing",
        "permission": Permission.MIGRATION_READ,
        "summary": "A thing",
        "tag": Tag.SYSTEM,
        "handler": handler,
        **fields,
    }
    return Endpoint(**given)


def as_role(role: str) -> dict[str, str]:
    """The header of somebody with the role."""
    return {"Authorization": f"Bearer {role}"}
