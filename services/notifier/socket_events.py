"""The table of what clients may send: deny by default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from services.notifier.packets import RESERVED
from shared.core.errors import RunError
from shared.identity.permissions import Permission

Handler = Callable[[Any], Awaitable[None]]
"""Takes an `Asked`; raises SocketRefused, or another TransfuseError, to refuse."""


class SocketEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of clients, what it takes to send it, and what it does."""

    name: str
    permission: Permission
    handler: Handler


class TableInvalid(RunError):
    """The socket events contradict each other or say too little; the text names each of them."""

    code = "table_invalid"
    remedy = "Mend the named events: this is a bug of Transfuse."


def check_table(events: Sequence[SocketEvent]) -> None:
    """Return where every event names a permission and a name of its own. Raises TableInvalid with what it found."""
    found = [f"{event.name}: names no permission" for event in events if not _names_permission(event)]
    found += [f"{event.name}: is a name of the library" for event in events if event.name in RESERVED]
    names = Counter(event.name for event in events)
    found += [f"{name}: is there {count} times" for name, count in names.items() if count > 1]
    if found:
        raise TableInvalid("The table of socket events is not sound:\n" + "\n".join(found))


def _names_permission(event: SocketEvent) -> bool:
    """Only who is signed in is connected: an event for anyone would be a slip."""
    return event.permission in set(Permission) - {Permission.ANYONE}
