"""One transaction of the target, begun and ended by hand, and its errors as ours.

No savepoint stands around rows that stay: what is written under one carries the savepoint's own transaction id, and the
manifest's would not be found in `xmin` again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg

from services.loader.statements import SQL
from shared.core.errors import TransfuseError
from shared.postgres.errors import DRIVER_ERRORS, Fault, fault_of, translate

ROLLBACK_SECONDS = 10


class RowsRefused(TransfuseError):
    """The target refused rows of the batch; nothing of this attempt stays, the next one looks more closely."""

    code = "rows_refused"

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"the target refused rows (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate


@asynccontextmanager
async def transaction(connection: asyncpg.Connection, doing: str) -> AsyncIterator[None]:
    """Begin, and commit at the end or roll back at an error. Constraints are immediate. Raises what `told` raises."""
    with told(doing):
        await connection.execute(SQL["begin"])
    try:
        yield
    except BaseException:
        await _roll_back(connection)
        raise
    with told(doing):
        await connection.execute(SQL["commit"])


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn the driver's errors into WorldError or RunError; no row is to blame here."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise translate(error, "target", doing) from error


@contextmanager
def rows_tried(doing: str) -> Iterator[None]:
    """Turn the driver's errors while rows are written into RowsRefused, WorldError or RunError."""
    try:
        yield
    except DRIVER_ERRORS as error:
        if fault_of(error, in_copy=True) is Fault.ROW:
            raise RowsRefused(getattr(error, "sqlstate", "")) from error
        raise translate(error, "target", doing, in_copy=True) from error


async def _roll_back(connection: asyncpg.Connection) -> None:
    """Undo everything. A connection on which even that fails is cut, which undoes it too; the first error is told."""
    try:
        await connection.execute(SQL["rollback"], timeout=ROLLBACK_SECONDS)
    except DRIVER_ERRORS:
        connection.terminate()
