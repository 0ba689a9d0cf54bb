"""Reads a mapping once, in the order of its key, where each range by itself would run the whole expensive query."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from services.extractor.csv_rows import end_of_row, rows_of
from services.extractor.reading import BatchTooLarge, SourceRows
from services.extractor.snapshot import Snapshot, reading
from services.extractor.tasks import single_error
from shared.core.errors import RunError, TransfuseError
from shared.ledger.bounds import BatchBounds
from shared.plan import source_sql
from shared.plan.compiled import CompiledMapping
from shared.postgres.pools import Pool

AHEAD_CHUNKS = 16
"""Chunks (up to 64 KiB each) that the reader may be ahead of the batches."""
UNLIMITED_SECONDS = 30 * 24 * 3600.0
"""Time limit of a stream at our end: it waits for its batches, however long they take."""
MOST_STREAMS = 3
"""Streams that stay open beside each other: each takes one of the process's connections, read from or not."""
StreamName = tuple[UUID, str, int, str]


class _Dropped(Exception):
    """The stream was ended while somebody waited for its rows."""


class Streams:
    """The open streams of this process, one per run, mapping, pass and snapshot. Make it with `open_streams`."""

    def __init__(self, pool: Pool, tasks: asyncio.TaskGroup) -> None:
        self._pool = pool
        self._tasks = tasks
        self._streams: dict[StreamName, _Stream] = {}

    async def read(
        self,
        run: UUID,
        snapshot: Snapshot,
        mapping: CompiledMapping,
        bounds: BatchBounds,
        max_bytes: int,
        pass_number: int = 1,
    ) -> SourceRows | None:
        """The rows of one batch; None where the stream has passed them or they were not counted: read their range.

        Raises BatchTooLarge, SnapshotLost, or an error of the legacy server.
        """
        if bounds.first_row is None or bounds.row_count is None:
            return None
        name = (run, mapping.name, pass_number, snapshot.text)
        stream = self._streams.get(name)
        if stream is None:
            self._make_room()
            stream = self._streams[name] = _Stream(mapping)
            stream.task = self._tasks.create_task(stream.run(self._pool, snapshot), name=f"stream {mapping.name}")
        try:
            rows = await stream.read(bounds, max_bytes)
        except _Dropped:
            return None
        except BaseException:
            self._drop(name, stream)
            raise
        if bounds.upper is None:
            self._drop(name, stream)
        return rows

    def drop_idle(self, seconds: float) -> None:
        """End the streams that nobody has read from for so long: their runs are over, or other instances read them."""
        for name, stream in list(self._streams.items()):
            if not stream.is_awaited and time.monotonic() - stream.read_at > seconds:
                self._drop(name, stream)

    def close(self) -> None:
        """End all streams."""
        for name, stream in list(self._streams.items()):
            self._drop(name, stream)

    def _make_room(self) -> None:
        """End the streams that were read from longest ago: runs that are over, or that other instances read."""
        unread = sorted(
            (item for item in self._streams.items() if not item[1].is_awaited), key=lambda item: item[1].read_at
        )
        for name, stream in unread[: max(0, len(self._streams) - MOST_STREAMS + 1)]:
            self._drop(name, stream)

    def _drop(self, name: StreamName, stream: _Stream) -> None:
        if self._streams.get(name) is stream:
            del self._streams[name]
        stream.end()


@asynccontextmanager
async def open_streams(pool: Pool) -> AsyncIterator[Streams]:
    """Streams whose tasks end with the context."""
    async with single_error(), asyncio.TaskGroup() as tasks:
        streams = Streams(pool, tasks)
        try:
            yield streams
        finally:
            streams.close()


class _Stream:
    """One COPY of a mapping in key order; `position` is the number of rows given out or passed over."""

    def __init__(self, mapping: CompiledMapping) -> None:
        self.task: asyncio.Task[None] | None = None
        self.read_at = time.monotonic()
        self._mapping = mapping
        self._chunks: asyncio.Queue[bytes | TransfuseError | _Dropped | None] = asyncio.Queue(AHEAD_CHUNKS)
        self._turn = asyncio.Lock()
        self._rest = b""
        self._position = 0
        self._readers = 0

    @property
    def is_awaited(self) -> bool:
        """Whether a batch is being read."""
        return self._readers > 0

    def end(self) -> None:
        """End the COPY and let those who wait for its rows go."""
        if self.task is not None:
            self.task.cancel()
        while not self._chunks.empty():
            self._chunks.get_nowait()
        self._rest = b""
        self._chunks.put_nowait(_Dropped())

    async def run(self, pool: Pool, snapshot: Snapshot) -> None:
        """Copy until the end; an error is handed to the next reader."""
        source = self._mapping.source
        statement = source_sql.select_sql(source, BatchBounds(), ordered=True)
        doing = f"streaming mapping {self._mapping.name}"
        try:
            async with reading(pool, snapshot, source.schema, doing, patient=True) as connection:
                await connection.copy_from_query(
                    statement, output=self._chunks.put, format="csv", timeout=UNLIMITED_SECONDS
                )
        except TransfuseError as error:
            await self._chunks.put(error)
        else:
            await self._chunks.put(None)

    async def read(self, bounds: BatchBounds, max_bytes: int) -> SourceRows | None:
        """The rows of a counted batch; those before are passed over. None if they have been passed."""
        self._readers += 1
        try:
            return await self._read(bounds, max_bytes)
        finally:
            self._readers -= 1

    async def _read(self, bounds: BatchBounds, max_bytes: int) -> SourceRows | None:
        async with self._turn:
            self.read_at = time.monotonic()
            first_row, row_count = bounds.first_row or 0, bounds.row_count or 0
            if first_row < self._position:
                return None
            await self._take(first_row - self._position, None)
            chunks = await self._take(row_count, max_bytes)
            if bounds.upper is None and (self._rest or await self._next() is not None):
                raise self._differs("more")
            self.read_at = time.monotonic()
            return SourceRows(chunks=tuple(chunks), row_count=row_count)

    async def _take(self, rows: int, max_bytes: int | None) -> list[bytes]:
        """The next rows; kept only if `max_bytes` says how many bytes they may have."""
        taken: list[bytes] = []
        size, quoted = 0, False
        while rows:
            chunk = self._rest or await self._next_chunk()
            found, quoted_after = rows_of(chunk, quoted=quoted)
            end = end_of_row(chunk, rows, quoted=quoted) if found >= rows else len(chunk)
            self._rest = chunk[end:]
            self._position += min(found, rows)
            rows -= min(found, rows)
            quoted = quoted_after and rows > 0
            size += end
            if max_bytes is not None:
                taken.append(chunk[:end])
                if size > max_bytes:
                    raise BatchTooLarge(f"a batch of mapping {self._mapping.name} has more than {max_bytes} bytes")
        return taken

    async def _next_chunk(self) -> bytes:
        chunk = await self._next()
        if chunk is None:
            raise self._differs("fewer")
        return chunk

    async def _next(self) -> bytes | None:
        """The next chunk, None at the end. Raises what the COPY failed with."""
        chunk = await self._chunks.get()
        if isinstance(chunk, _Dropped):
            self._chunks.put_nowait(chunk)  # for the next who waits
        if isinstance(chunk, TransfuseError | _Dropped):
            raise chunk
        return chunk

    def _differs(self, more_or_fewer: str) -> RunError:
        text = f"the stream of mapping {self._mapping.name} has {more_or_fewer} rows than were counted"
        return RunError(text, code="rows_differ")
