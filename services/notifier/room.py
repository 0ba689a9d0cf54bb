"""What rooms need of whoever speaks to clients."""

from __future__ import annotations

from typing import Protocol

from shared.core.document import Document


class Voice(Protocol):
    """Says things to rooms and to single clients. A room or a client that is gone is no error."""

    async def tell(self, to: str, event: str, document: Document) -> None:
        """Send a document to everybody in a room, or to one client; what is told first arrives first."""
        ...

    async def enter(self, sid: str, room: str) -> bool:
        """Add a client to a room; False where it is gone."""
        ...

    async def leave(self, sid: str, room: str) -> None:
        """Take a client out of a room."""
        ...

    async def close(self, room: str) -> None:
        """Take everybody out of a room."""
        ...
