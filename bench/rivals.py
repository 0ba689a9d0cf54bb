"""What others would do with the same rows: a binary pipe, and the usual script."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import time
import uuid
from typing import Any

import asyncpg
import msgspec

from shared.core.errors import Refused

NAMESPACE = uuid.UUID("6f0e7a4c-2b1d-4c43-9d3e-5a8f0c7b2e91")
PAGE_ROWS = 1000
SCRIPT_ROWS = 100_000
TABLE = "dispatch_notification"
UPSERT = """
insert into system_messages
    (id, message_type, message_data, recipient_id, order_id, metadata, legacy_notification_id, created_at)
values {rows}
on conflict (id) do update set message_type = excluded.message_type, message_data = excluded.message_data,
    recipient_id = excluded.recipient_id, order_id = excluded.order_id,
    metadata = excluded.metadata, created_at = excluded.created_at
"""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Rows, seconds of wall time and CPU seconds of the client."""

    row_count: int
    seconds: float
    client_cpu_seconds: float

    @property
    def rows_per_second(self) -> float:
        return self.row_count / self.seconds


async def pipe(legacy: str, target: str) -> Measured:
    """`psql COPY binary | psql COPY binary` of the notifications into a table of the same shape without any index."""
    psql = shutil.which("psql")
    if psql is None:
        raise Refused("psql is not installed.", remedy="Install postgresql-client.", code="no_psql")
    await _make_copy(legacy, target)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", '"$0" -X -q "$1" -c "$2" | "$0" -X -q -v ON_ERROR_STOP=1 "$3" -c "$4"', psql),
        *(legacy, f"copy {TABLE} to stdout (format binary)", target, f"copy {TABLE} from stdin (format binary)"),
    )
    if await process.wait():
        raise Refused("The pipe of two psql failed.", code="pipe_failed")
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    connection = await asyncpg.connect(target)
    try:
        rows = await connection.fetchval(f"select count(*) from {TABLE}")  # noqa: S608 - a constant
        await connection.execute(f"drop table {TABLE}")
    finally:
        await connection.close()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(row_count=rows, seconds=seconds, client_cpu_seconds=cpu)


async def usual_script(legacy: str, target: str, *, spread: bool) -> Measured:
    """LIMIT/OFFSET pages, Python objects, lookup maps, a multi-row upsert: what is written by hand for such work.

    Into the same table, with its indexes and foreign keys, emptied; what it refers to must be there. The first 100,000
    rows, or (`spread`) as many in pages all over the table: what an average row of a whole run costs it.
    """
    source, sink = await asyncpg.connect(legacy), await asyncpg.connect(target)
    try:
        total = await source.fetchval(f"select count(*) from {TABLE} where send and sent")  # noqa: S608 - a constant
        pages = max(1, min(SCRIPT_ROWS, total) // PAGE_ROWS)
        step = total // pages if spread else PAGE_ROWS
        await sink.execute("truncate system_messages")
        maps = await _map(sink, "profiles", "legacy_user_id"), await _map(sink, "orders", "legacy_instruction_id")
        before, began, done = time.process_time(), time.monotonic(), 0
        for page in range(pages):
            rows = await source.fetch(
                f"select * from {TABLE} where send and sent order by id limit $1 offset $2",  # noqa: S608 - a constant
                PAGE_ROWS,
                page * step,
            )
            await _upsert(sink, [_message(row, *maps) for row in rows])
            done += len(rows)
        seconds, cpu = time.monotonic() - began, time.process_time() - before
        return Measured(row_count=done, seconds=seconds, client_cpu_seconds=cpu)
    finally:
        await source.close()
        await sink.close()


async def _upsert(sink: asyncpg.Connection, messages: list[tuple[Any, ...]]) -> None:
    width = len(messages[0])
    rows = ", ".join(
        "(" + ", ".join(f"${index * width + column + 1}" for column in range(width)) + ")"
        for index in range(len(messages))
    )
    await sink.execute(UPSERT.format(rows=rows), *(value for message in messages for value in message))


def _message(row: asyncpg.Record, profiles: dict[int, uuid.UUID], orders: dict[int, uuid.UUID]) -> tuple[Any, ...]:
    values = dict(row)
    context = values.pop("template_context")
    try:
        parsed = json.loads(context, parse_constant=_refuse) if context and "\\u" not in context else None
    except ValueError:
        parsed = None
    data = json.dumps(parsed if parsed is not None else {"raw": context})
    left = {name: str(value) for name, value in values.items() if value is not None}
    return (
        uuid.uuid5(NAMESPACE, f"system_messages:{values['id']}"),
        values["template_name"],
        data,
        profiles.get(values["recipient_id"]),
        orders.get(values["item_id"]),
        json.dumps(left),
        values["id"],
        values["created_at"],
    )


def _refuse(constant: str) -> None:
    """NaN and Infinity are JSON to Python only."""
    raise ValueError(constant)


async def _map(sink: asyncpg.Connection, table: str, legacy: str) -> dict[int, uuid.UUID]:
    return {row[0]: row[1] for row in await sink.fetch(f"select {legacy}, id from {table}")}  # noqa: S608 - constants


async def _make_copy(legacy: str, target: str) -> None:
    """A table with the columns of the notifications, nothing else."""
    source, sink = await asyncpg.connect(legacy), await asyncpg.connect(target)
    try:
        columns = await source.fetch(
            "select attname, format_type(atttypid, atttypmod) as kind from pg_attribute"
            " where attrelid = $1::text::regclass and attnum > 0 and not attisdropped order by attnum",
            TABLE,
        )
        shape = ", ".join(f'"{column["attname"]}" {column["kind"]}' for column in columns)
        await sink.execute(f"create table {TABLE} ({shape})")
    finally:
        await source.close()
        await sink.close()
