"""Packets of Socket.IO as this service speaks it: documents as JSON going out, plain JSON events coming in."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from socketio import packet

FROM_CLIENTS: Final = frozenset({packet.CONNECT, packet.DISCONNECT, packet.EVENT, packet.ACK})
RESERVED: Final = frozenset({"connect", "disconnect", "connect_error", "*"})
"""Names by which the library knows its own events: sent by a client they would call handlers that are not for it."""


class DocumentJson:
    """JSON as the rest of Transfuse writes it: structs in camelCase, times in ISO 8601."""

    @staticmethod
    def dumps(value: object, **_options: object) -> str:
        return msgspec.json.encode(value).decode()

    @staticmethod
    def loads(text: str) -> Any:  # noqa: ANN401 - whatever a client sent
        return msgspec.json.decode(text)


class DocumentPacket(packet.Packet):  # type: ignore[misc]  # the library has no types
    """No binary attachments: a client that announced ten billion of them would have them collected."""

    uses_binary_events = False
    json = DocumentJson

    def decode(self, encoded_packet: str) -> int:
        """Read a client's packet. Raises ValueError for what no client of ours sends."""
        attachments: int = super().decode(encoded_packet)
        if attachments or self.packet_type not in FROM_CLIENTS:
            raise ValueError("a packet that no client sends")
        if self.packet_type == packet.EVENT and not _is_event(self.data):
            raise ValueError("an event without a name of its own")
        return 0


def _is_event(data: object) -> bool:
    return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in RESERVED
