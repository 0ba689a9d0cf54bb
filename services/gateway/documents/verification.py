"""Documents of verifies: what they came to, and the rows that they found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.core.document import Document, Form
from shared.core.findings import FindingKind, VerifyOutcome
from shared.core.states import RunKind, RunState
from shared.ledger.verification import ListedFinding, MappingVerification, Verification

MOST_LISTED = 200
Name = Annotated[str, Meta(max_length=256)]
Share = Annotated[float, Meta(gt=0, lt=1)]


class VerifyForm(Form, frozen=True, kw_only=True):
    """How much is to be compared: all, or the share `sample` of every mapping's rows."""

    sample: Share | None = None


class RepairForm(Form, frozen=True, kw_only=True):
    """What is to be repaired: rows that differ or are missing; `withChanged` also those whose source changed since."""

    with_changed: bool = False


class FindingsQuery(Form, frozen=True, kw_only=True):
    """Which rows are wanted."""

    mapping: Name | None = None
    kind: FindingKind | None = None
    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=MOST_LISTED)] = 50


class FindingCursor(Form, frozen=True, kw_only=True):
    """The place behind a cursor: the last row that was shown."""

    after: UUID


class DifferingColumn(Document, frozen=True, kw_only=True):
    """A column, and the rows that differ in it."""

    column: str
    row_count: int


class MappingVerificationDocument(Document, frozen=True, kw_only=True):
    """One mapping. `equal` rows are in the target as they should be, `absent` ones are rightly not there.

    `changedSince` are rows that differ and whose source was written since they were loaded: the other counts are
    without them. `extra` is null where nobody looked for such rows, or they count under another mapping of the table.
    """

    mapping: str
    outcome: VerifyOutcome
    checked: int
    equal: int
    absent: int
    different: int
    missing: int
    unexpected: int
    extra: int | None
    changed_since: int
    could_not_verify: int
    not_checked: int
    columns: tuple[DifferingColumn, ...]


class VerificationDocument(Document, frozen=True, kw_only=True):
    """What is known of the rows of a run: `runId` compared those that `about` loaded, the same where a run did both.

    Without a verify both are that run and the outcome is `not_checked`. `sample` is the share that was compared.
    """

    run_id: UUID
    about: UUID
    kind: RunKind
    state: RunState
    outcome: VerifyOutcome
    sample: float | None
    extras_checked: bool
    differences: int
    repairable: int
    mappings: tuple[MappingVerificationDocument, ...]
    created_at: datetime | None
    finished_at: datetime | None
    loaded_from: datetime | None
    compared_with: datetime | None


class FindingDocument(Document, frozen=True, kw_only=True):
    """One row that is not as it should be, by its key in the target. `sourceChanged` is null where nobody can tell."""

    ref: UUID
    mapping: str
    kind: FindingKind
    columns: tuple[str, ...]
    target_key: UUID | None
    source_changed: bool | None


class FindingsDocument(Document, frozen=True, kw_only=True):
    """Rows that a verify found, the first thousand of each batch."""

    findings: tuple[FindingDocument, ...]
    next_cursor: str | None


def verification_document(found: Verification) -> VerificationDocument:
    """A verify as the API and the command line show it."""
    names = [name for name in VerificationDocument.__struct_fields__ if name not in {"run_id", "mappings"}]
    fields: dict[str, Any] = {name: getattr(found, name) for name in names}
    return VerificationDocument(run_id=found.run, mappings=tuple(map(_mapping, found.mappings)), **fields)


def finding_document(found: ListedFinding) -> FindingDocument:
    """A row as the API shows it."""
    fields = {name: value for name, value in msgspec.structs.asdict(found).items() if name != "id"}
    return FindingDocument(ref=found.id, **fields)


def _mapping(found: MappingVerification) -> MappingVerificationDocument:
    names = [name for name in MappingVerificationDocument.__struct_fields__ if name != "columns"]
    fields: dict[str, Any] = {name: getattr(found, name) for name in names}
    columns = tuple(DifferingColumn(column=one.column, row_count=one.row_count) for one in found.columns)
    return MappingVerificationDocument(columns=columns, **fields)
