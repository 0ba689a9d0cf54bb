"""A table of endpoints that is not sound stops the gateway at its start."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from services.gateway.api.table_check import TableInvalid, check_table
from services.gateway.resources.table import ENDPOINTS
from shared.core.document import Form
from tests.harness.frame import endpoint


class ThingPath(Form, frozen=True, kw_only=True):
    thing_id: UUID


async def nothing(call: object) -> None:
    """Answer nothing."""


def test_the_table_of_the_gateway_is_sound() -> None:
    check_table(ENDPOINTS)


@pytest.mark.parametrize(
    ("fields", "words"),
    (
        ({"permission": None}, "names no permission"),
        ({"method": "TRACE"}, "names no method"),
        ({"path": "/thing"}, "is not below /api/"),
        ({"path": "/api/thing/{id}"}, "its path names"),
        ({"path": "/api/thing/{thing_id}", "parameters": ThingPath}, "its path names"),
        ({"query": dict}, "its query are no Form"),
        ({"method": "POST"}, "names no action"),
        ({"method": "POST", "audit": "Thing made"}, "not of the form"),
        ({"body": ThingPath}, "reads, and has a body"),
    ),
)
def test_an_endpoint_that_says_too_little_or_contradicts_itself_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(TableInvalid, match=words):
        check_table([endpoint(nothing, **fields)])


def test_an_endpoint_that_is_whole_is_not_named() -> None:
    check_table([endpoint(nothing, path="/api/thing/{thingId}", parameters=ThingPath)])


def test_two_endpoints_share_neither_operation_id_nor_route() -> None:
    with pytest.raises(TableInvalid) as caught:
        check_table([endpoint(nothing), endpoint(nothing)])
    assert "the operation id readThing is there 2 times" in str(caught.value)
    assert "the route GET /api/thing is there 2 times" in str(caught.value)
