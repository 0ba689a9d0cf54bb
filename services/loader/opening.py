"""Opens one refused row of the ledger's quarantine under the key of the run that refused it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import Refused, SealBroken
from shared.core.unmasked import UnmaskedRow
from shared.crypto.aad import row_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger.audit import AuditEntry, append
from shared.ledger.quarantine import SealedRow, read_sealed


class UnknownRow(Refused):
    """The run has no such row in quarantine."""

    code = "unknown_row"
    remedy = "List the rows with `transfuse quarantine --rows`."


class RunKeyGone(Refused):
    """The key of the row's run was removed: nobody can read the row any more."""

    code = "run_key_gone"
    remedy = "Look the row up in the source, by the run's report and the time at which it was refused."


async def open_row(connection: asyncpg.Connection, keyring: Keyring, run: UUID, row: UUID) -> UnmaskedRow:
    """One row in clear. The audit is told before it is opened.

    Raises UnknownRow, RunKeyGone, KeyNotListed, SealBroken.
    """
    sealed, wrapped_key = await sealed_row(connection, run, row)
    await append(connection, deed("quarantine.open", run, row, sealed.mapping))
    return await asyncio.to_thread(_opened, RunKey(keyring.unwrap(wrapped_key, run)), run, row, sealed)


async def sealed_row(connection: asyncpg.Connection, run: UUID, row: UUID) -> tuple[SealedRow, bytes]:
    """A row as the ledger keeps it, and its run's key, wrapped. Raises UnknownRow, RunKeyGone."""
    sealed = await read_sealed(connection, run, row)
    if sealed is None:
        raise UnknownRow(f"The run {run} has no row {row} in quarantine.")
    if sealed.wrapped_key is None:
        raise RunKeyGone(f"The key of run {run} is gone.")
    return sealed, sealed.wrapped_key


def columns_of(key: RunKey, run: UUID, row: UUID, sealed: SealedRow) -> dict[str, str | None]:
    """The columns of a row in clear. Raises SealBroken."""
    columns = msgspec.json.decode(key.open_(sealed.sealed_row, row_aad(run, row)))
    if not isinstance(columns, dict):
        raise SealBroken("a sealed row is no row")
    return {name: _text(value) for name, value in columns.items()}


def deed(action: str, run: UUID, row: UUID, mapping: str, **more: str) -> AuditEntry:
    """Our own entry, beside the gateway's: one that was taken over would leave none."""
    return AuditEntry(
        actor="loader",
        action=action,
        object_kind="quarantine",
        object_id=str(row),
        detail={"run": str(run), "mapping": mapping, **more},
    )


def _opened(key: RunKey, run: UUID, row: UUID, sealed: SealedRow) -> UnmaskedRow:
    return UnmaskedRow(
        mapping=sealed.mapping,
        legacy_key=key.open_(sealed.sealed_key, row_aad(run, row)).decode(),
        columns=columns_of(key, run, row, sealed),
    )


def _text(value: Any) -> str | None:  # noqa: ANN401 - any JSON
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()
