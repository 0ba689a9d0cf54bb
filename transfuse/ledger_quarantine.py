"""Refused rows of the workspace's ledger. What opens them does so with the loader's settings, and tells the audit."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from uuid import UUID

import asyncpg
import msgspec

from services.loader.editing import edit_row
from services.loader.opening import open_row
from shared.core.errors import TransfuseError
from shared.core.redaction import Masked
from shared.core.run_options import ReplayChoice
from shared.core.unmasked import EditRequest, UnmaskedRow
from shared.crypto.keyring import Keyring
from shared.ledger.audit import Audit, AuditEntry, Outcome
from shared.ledger.plans import Plans
from shared.ledger.quarantine import Group, Grouping, MaskedRow, Quarantine, RowFilter
from shared.ledger.register import Register
from shared.ledger.replays import discard_rows, start_replay
from shared.plan.model import Plan
from shared.postgres.pools import Session, open_pool
from shared.settings.service import KeyEncryption, Target
from transfuse.operator import Operator, actor
from transfuse.quarantine_control import ListedGroup, ListedRow, not_the_newest, other_plan


class LoaderAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What opens a refused row: the loader's role in the target's database, and the keys."""

    target: Target
    keyring: KeyEncryption


class LedgerQuarantine:
    """`QuarantineControl` over an open ledger."""

    def __init__(self, ledger: Operator) -> None:
        self._ledger = ledger
        self._quarantine = Quarantine(ledger.pool)

    async def groups(self, run: UUID, by: Grouping, mapping: str | None) -> tuple[ListedGroup, ...]:
        """See `QuarantineControl.groups`."""
        return tuple(map(_group, await self._quarantine.groups(run, by, RowFilter(mapping=mapping))))

    async def rows(self, run: UUID, wanted: ReplayChoice, limit: int) -> tuple[ListedRow, ...]:
        """See `QuarantineControl.rows`."""
        asked = RowFilter(mapping=wanted.mapping, code=wanted.code, column=wanted.column)
        return tuple(map(_row, await self._quarantine.rows(run, asked, limit=limit)))

    async def unmask(self, run: UUID, row: UUID, why: str) -> UnmaskedRow:
        """See `QuarantineControl.unmask`."""
        async with (
            self._recorded("quarantine.unmask", row, {"run": str(run), "reason": why}),
            self._loader() as (
                connection,
                keyring,
            ),
        ):
            return await open_row(connection, keyring, run, row)

    async def edit(self, run: UUID, row: UUID, column: str, value: str | None, why: str) -> bool:
        """See `QuarantineControl.edit`."""
        request = EditRequest(run=run, column=column, value=value, actor=actor(), reason=why)
        # The loader's own entry names the column, once it is known to be one.
        detail = {"run": str(run), "reason": why}
        async with self._recorded("quarantine.edit", row, detail), self._loader() as (connection, keyring):
            return (await edit_row(connection, keyring, row, request)).kept_old

    async def discard(self, run: UUID, choice: ReplayChoice, why: str) -> dict[str, int]:
        """See `QuarantineControl.discard`."""
        async with (
            self._recorded("quarantine.discard", run, {"reason": why}),
            self._ledger.pool.acquire() as connection,
        ):
            found = await discard_rows(connection, run, choice)
        return {item.mapping: item.row_count for item in found}

    async def keep_plan(self, run: UUID, plan: Plan) -> None:
        """See `QuarantineControl.keep_plan`."""
        found = await self._ledger.runs.get(run)
        if found.plan_name != plan.name:
            raise other_plan(found.plan_name, plan.name)
        await Plans(self._ledger.pool).put(name=plan.name, hash=plan.hash, files=plan.files)
        if (await Register(self._ledger.pool).get(found.migration_id)).plan_hash != plan.hash:
            raise not_the_newest(plan.name)

    async def replay(self, run: UUID, choice: ReplayChoice) -> UUID:
        """See `QuarantineControl.replay`."""
        async with self._ledger.pool.acquire() as connection:
            return await start_replay(connection, run, choice, actor=actor(), transfuse_version=version("transfuse"))

    @asynccontextmanager
    async def _recorded(self, action: str, what: UUID, detail: Mapping[str, str]) -> AsyncIterator[None]:
        """Told to the audit before it is done, and what came of it."""
        audit, kind = Audit(self._ledger.pool), "run" if action == "quarantine.discard" else "quarantine"

        def entry(outcome: Outcome, **more: str) -> AuditEntry:
            return AuditEntry(
                actor=actor(),
                action=action,
                object_kind=kind,
                object_id=str(what),
                outcome=outcome,
                detail={**detail, **more, "from": "command line"},
            )

        await audit.append(entry(Outcome.BEGUN))
        try:
            yield
        except TransfuseError as error:
            await audit.append(entry(Outcome.REFUSED, code=error.code))
            raise
        await audit.append(entry(Outcome.DONE))

    @asynccontextmanager
    async def _loader(self) -> AsyncIterator[tuple[asyncpg.Connection, Keyring]]:
        """A session of the loader's role, and its keys."""
        settings = self._ledger.workspace.load(LoaderAccess, "loader", os.environ)
        async with open_pool(settings.target, "target", Session()) as pool, pool.acquire() as connection:
            yield connection, settings.keyring


def _group(group: Group) -> ListedGroup:
    return ListedGroup(
        mapping=group.mapping,
        column=group.column,
        reason=group.code,
        waits_for=group.waits_for,
        count=group.row_count,
        waiting=group.waiting,
    )


def _row(row: MaskedRow) -> ListedRow:
    return ListedRow(
        ref=row.id,
        mapping=row.mapping,
        reasons=tuple(" ".join(filter(None, (reason.code, reason.column))) for reason in row.reasons),
        columns={name: _shown(value) for name, value in row.columns.items()},
        waits_for=row.waits_for,
        state=row.resolution.value or "waiting",
    )


def _shown(value: Masked | str | None) -> str:
    """A masked value is its kind alone: even its length could tell something."""
    return f"<{value.kind}>" if isinstance(value, Masked) else "NULL" if value is None else value
