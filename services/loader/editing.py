"""Keeps a value that stands in the place of the source's when a refused row is replayed: sealed, with what it was."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg
import msgspec

from services.loader.opening import columns_of, deed, sealed_row
from shared.core.errors import Refused
from shared.core.unmasked import EditedRow, EditRequest
from shared.crypto.aad import edit_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger.audit import append
from shared.ledger.edits import Edit, keep_edit
from shared.ledger.planning import read_compiled
from shared.ledger.quarantine import Resolution, SealedRow
from shared.plan.compiled import CompiledMapping


class NotWaiting(Refused):
    """The row does not wait for a replay any more."""

    code = "not_waiting"
    remedy = "Edit the row that waits: it may be one of a later run. See `transfuse quarantine`."


class NoIdentity(Refused):
    """The row is known by its content alone: with another value it would be another row."""

    code = "no_identity"
    remedy = "Correct the value in the source, or the plan."


class UnknownColumn(Refused):
    """The plan does not read the column that is named."""

    code = "unknown_column"


async def edit_row(connection: asyncpg.Connection, keyring: Keyring, row: UUID, request: EditRequest) -> EditedRow:
    """Keep a value for the replay of a row, in one transaction with the audit's entry, which has no value.

    Raises UnknownRow, RunKeyGone, NotWaiting, NoIdentity, UnknownColumn, KeyNotListed, SealBroken.
    """
    run = request.run
    sealed, wrapped_key = await sealed_row(connection, run, row)
    key = RunKey(keyring.unwrap(wrapped_key, run))
    if sealed.resolution is not Resolution.WAITING:
        raise NotWaiting(f"The row {row} does not wait: it is {sealed.resolution}.")
    check_column((await read_compiled(connection, run)).mapping(sealed.mapping), request.column)
    edit = await asyncio.to_thread(_sealed, key, row, sealed, request)
    async with connection.transaction():
        await append(connection, deed("quarantine.edit", run, row, sealed.mapping, column=request.column))
        await keep_edit(connection, edit)
    return EditedRow(mapping=sealed.mapping, column=request.column, kept_old=edit.sealed_old is not None)


def check_column(mapping: CompiledMapping, column: str) -> None:
    """Raise NoIdentity or UnknownColumn where no value of that column can be edited."""
    if mapping.source.content_key:
        raise NoIdentity(f"Rows of {mapping.name} have no identity besides their content.")
    programs = [mapping.source, *([mapping.second.source] if mapping.second is not None else [])]
    known = sorted({f"{one.alias}.{one.column}" for program in programs for one in program.columns})
    if column not in known:
        raise UnknownColumn(
            f"The plan reads no column {column} for {mapping.name}.",
            remedy=f"Name one of: {', '.join(known)}.",
        )


def _sealed(key: RunKey, row: UUID, sealed: SealedRow, request: EditRequest) -> Edit:
    """The old value is that of the source; a row that the target refused has the target's columns alone."""
    columns = columns_of(key, request.run, row, sealed)

    def seal(value: str | None, what: str) -> bytes:
        return key.seal(msgspec.json.encode(value), edit_aad(request.run, row, request.column, what))

    return Edit(
        id=uuid4(),
        run=request.run,
        row=row,
        mapping=sealed.mapping,
        target_key=sealed.target_key,
        column=request.column,
        sealed_old=seal(columns[request.column], "old") if request.column in columns else None,
        sealed_new=seal(request.value, "new"),
        actor=request.actor,
        reason=request.reason,
    )
