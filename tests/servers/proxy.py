"""A TCP proxy in front of a server, so that a test can cut connections or swallow what they say."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class Proxy:
    """Forwards a free port of 127.0.0.1 to `host:port` until told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._refusing = False
        self._delay_seconds = 0.0
        self._server: asyncio.Server | None = None
        self.connection_count = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._passing.set()
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def lead_to(self, host: str, port: int) -> None:
        """Forward new connections to another server, one that was not there before say."""
        self._target = (host, port)

    def cut(self) -> None:
        """Break every connection at once."""
        for writer in self._writers:
            writer.transport.abort()

    def refuse(self, *, refuse: bool) -> None:
        """Break every connection and each new one, or let them through again."""
        self._refusing = refuse
        if refuse:
            self.cut()

    def swallow(self, *, swallow: bool) -> None:
        """Forward nothing while connections stay open (a black hole), or go on."""
        if swallow:
            self._passing.clear()
        else:
            self._passing.set()

    def slow(self, *, seconds: float) -> None:
        """Hold every piece back for so long; 0 for not at all."""
        self._delay_seconds = seconds

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        self.connection_count += 1
        try:
            target_reader, target_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, target_writer}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._forward(reader, target_writer), name="to the server")
                tasks.create_task(self._forward(target_reader, writer), name="to the client")
        finally:
            self._writers -= {writer, target_writer}

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(256 * 1024):
                await self._passing.wait()
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                writer.write(data)
                await writer.drain()
        writer.close()
