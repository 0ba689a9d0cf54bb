"""Who may call what: every role, and nobody, against every endpoint of the table."""

from __future__ import annotations

import re
from collections.abc import Callable

import aiohttp
import msgspec
import pytest

from services.gateway.api.endpoint import Endpoint
from services.gateway.resources.table import ENDPOINTS
from shared.identity.permissions import Permission, Role, may
from tests.harness.api import Api
from tests.harness.tokens import token

PLACE = "0196e2a4-5a4c-4c3e-9c3b-2f6f0f3d8a11"
"""What stands in paths: nothing has this id."""
UNAUTHORIZED = {"not_signed_in", "token_refused"}
TOKENS: dict[str, Callable[[], str | None]] = {
    **{role.value: lambda role=role: token(role.value) for role in Role},  # type: ignore[misc]
    "no role": lambda: token(None),
    "none": lambda: None,
    "expired": lambda: token("admin", seconds=-3600),
}


def expected(who: str, permission: Permission) -> str:
    """`admitted`, `forbidden` or `unauthorized`."""
    if who == "expired" or (who == "none" and permission is not Permission.ANYONE):
        return "unauthorized"
    role = Role(who) if who in set(Role) else None
    return "admitted" if who == "none" or may(role, permission) else "forbidden"


async def found(client: aiohttp.ClientSession, endpoint: Endpoint, bearer: str | None) -> str:
    """What the frame makes of a call: whatever the handler answers, the call was admitted."""
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    path = re.sub(r"{[^}]*}", PLACE, endpoint.path)
    body: dict[str, str] | None = None if endpoint.body is None else {}
    async with client.request(endpoint.method, path, headers=headers, json=body) as response:
        if response.content_type != "application/problem+json":
            return "admitted"
        code = msgspec.json.decode(await response.read())["code"]
        if response.status == 401 and code in UNAUTHORIZED:
            return "unauthorized"
        return "forbidden" if response.status == 403 and code == "forbidden" else "admitted"


async def test_every_cell_of_the_matrix_is_as_the_permissions_say(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [(who, endpoint) for who in TOKENS for endpoint in ENDPOINTS]
    wrong = []
    async with api.anyone() as client:
        for who, endpoint in cells:
            given = await found(client, endpoint, TOKENS[who]())
            if given != expected(who, endpoint.permission):
                wrong.append(f"{who}: {endpoint.operation_id} {given}")
    with capsys.disabled():
        print(f"\nmatrix of permissions: {len(cells) - len(wrong)} of {len(cells)} cells correct")  # noqa: T201
    assert wrong == []
