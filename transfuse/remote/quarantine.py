"""Refused rows behind the API of a gateway."""

from __future__ import annotations

from uuid import UUID

from services.gateway.documents.plans import PlanFiles
from services.gateway.documents.quarantine import QuarantineDocument, RowDocument, UnmaskedDocument, UnmaskForm
from services.gateway.documents.replay import DiscardedDocument, DiscardForm, EditedDocument, EditForm, RowChoice
from services.gateway.documents.runs import RunDocument
from shared.core.run_options import ReplayChoice
from shared.core.unmasked import UnmaskedRow
from shared.ledger.quarantine import Grouping
from shared.plan.model import Plan
from transfuse.quarantine_control import ListedGroup, ListedRow, not_the_newest, other_plan
from transfuse.remote.client import ApiClient
from transfuse.remote.runs import KeptPlan


class GatewayQuarantine:
    """`QuarantineControl` over an API."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    async def groups(self, run: UUID, by: Grouping, mapping: str | None) -> tuple[ListedGroup, ...]:
        """See `QuarantineControl.groups`."""
        query = {"by": by.value, **({"mapping": mapping} if mapping else {}), "limit": "1"}
        found = await self._api.get(f"/api/runs/{run}/quarantine", QuarantineDocument, query=query)
        return tuple(
            ListedGroup(
                mapping=group.mapping,
                column=group.column,
                reason=group.reason,
                waits_for=group.waits_for,
                count=group.count,
                waiting=group.waiting,
            )
            for group in found.groups or ()
        )

    async def rows(self, run: UUID, wanted: ReplayChoice, limit: int) -> tuple[ListedRow, ...]:
        """See `QuarantineControl.rows`."""
        asked = {"reason": wanted.code, "column": wanted.column, "mapping": wanted.mapping}
        query = {name: value for name, value in asked.items() if value is not None}
        rows: list[RowDocument] = []
        cursor: str | None = ""
        while cursor is not None and len(rows) < limit:
            page = {**query, "limit": str(min(200, limit - len(rows))), **({"cursor": cursor} if cursor else {})}
            found = await self._api.get(f"/api/runs/{run}/quarantine", QuarantineDocument, query=page)
            rows += found.rows or ()
            cursor = found.next_cursor
        return tuple(map(_row, rows))

    async def unmask(self, run: UUID, row: UUID, why: str) -> UnmaskedRow:
        """See `QuarantineControl.unmask`."""
        form = UnmaskForm(reason=why)
        found = await self._api.post(f"/api/runs/{run}/quarantine/{row}/unmask", UnmaskedDocument, form)
        return UnmaskedRow(mapping=found.mapping, legacy_key=found.legacy_key, columns=found.columns)

    async def edit(self, run: UUID, row: UUID, column: str, value: str | None, why: str) -> bool:
        """See `QuarantineControl.edit`."""
        form = EditForm(column=column, value=value, reason=why)
        return (await self._api.post(f"/api/runs/{run}/quarantine/{row}/edit", EditedDocument, form)).kept_old

    async def discard(self, run: UUID, choice: ReplayChoice, why: str) -> dict[str, int]:
        """See `QuarantineControl.discard`."""
        form = DiscardForm(choice=_form(choice), reason=why)
        return (await self._api.post(f"/api/runs/{run}/quarantine/discard", DiscardedDocument, form)).mappings

    async def keep_plan(self, run: UUID, plan: Plan) -> None:
        """See `QuarantineControl.keep_plan`."""
        found = await self._api.get(f"/api/runs/{run}", RunDocument)
        if found.plan != plan.name:
            raise other_plan(found.plan, plan.name)
        kept = await self._api.put(f"/api/plans/{plan.name}", KeptPlan, PlanFiles(files=plan.files))
        if kept.versions and kept.version != kept.versions[0].version:
            raise not_the_newest(plan.name)

    async def replay(self, run: UUID, choice: ReplayChoice) -> UUID:
        """See `QuarantineControl.replay`."""
        return (await self._api.post(f"/api/runs/{run}/replay", RunDocument, _form(choice))).id


def _form(choice: ReplayChoice) -> RowChoice:
    described = any(name is not None for name in (choice.code, choice.column, choice.mapping))
    return RowChoice(
        rows=choice.rows,
        reason=choice.code,
        column=choice.column,
        mapping=choice.mapping,
        all=choice.rows is None and not described,
    )


def _row(row: RowDocument) -> ListedRow:
    return ListedRow(
        ref=row.ref,
        mapping=row.mapping,
        reasons=tuple(" ".join(filter(None, (reason.reason, reason.column))) for reason in row.reasons),
        columns={
            column.name: f"<{column.kind}>" if not column.clear else "NULL" if column.value is None else column.value
            for column in row.columns
        },
        waits_for=row.waits_for,
        state=row.state.value,
    )
