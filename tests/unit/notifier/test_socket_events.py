"""The table of what clients may send."""

from __future__ import annotations

from typing import Any, cast

import pytest

from services.notifier.handlers import EVENTS, subscribe_system
from services.notifier.socket_events import SocketEvent, TableInvalid, check_table
from shared.identity.permissions import Permission


def event(name: str = "thing:do", permission: Any = Permission.HEALTH_READ) -> SocketEvent:  # noqa: ANN401 - what a slip may give
    return SocketEvent(name=name, permission=permission, handler=subscribe_system)


def test_the_table_is_sound_and_names_what_the_dashboard_sends() -> None:
    check_table(EVENTS)
    assert {found.name: found.permission for found in EVENTS} == {
        "migration:subscribe": Permission.MIGRATION_READ,
        "migration:unsubscribe": Permission.MIGRATION_READ,
        "system:subscribe": Permission.HEALTH_READ,
        "system:unsubscribe": Permission.HEALTH_READ,
    }


@pytest.mark.parametrize("permission", (None, "", "migration:everything", Permission.ANYONE))
def test_an_event_that_names_no_permission_stops_the_start(permission: object) -> None:
    with pytest.raises(TableInvalid, match="thing:do: names no permission"):
        check_table([event(permission=permission)])


def test_a_permission_cannot_be_left_out() -> None:
    with pytest.raises(TypeError):
        cast("Any", SocketEvent)(name="thing:do", handler=subscribe_system)


@pytest.mark.parametrize("name", ("connect", "disconnect", "*"))
def test_an_event_has_no_name_of_the_library(name: str) -> None:
    with pytest.raises(TableInvalid, match="is a name of the library"):
        check_table([event(name)])


def test_two_events_do_not_share_a_name() -> None:
    with pytest.raises(TableInvalid, match="is there 2 times"):
        check_table([event(), event()])
