"""What the gateway asks the loader for when one person wants to see one refused row, and what it answers."""

from __future__ import annotations

from uuid import UUID

from shared.core.document import Document, Form


class UnmaskRequest(Form, frozen=True, kw_only=True):
    """The run that the row of the path belongs to."""

    run: UUID


class UnmaskedRow(Document, frozen=True, kw_only=True):
    """One row in clear: never to be kept, logged or cached. Its `repr` shows no value."""

    mapping: str
    legacy_key: str
    columns: dict[str, str | None]

    def __repr__(self) -> str:
        return f"UnmaskedRow(mapping={self.mapping!r})"


class EditRequest(Form, frozen=True, kw_only=True):
    """What is to stand in the place of one value of the source when the row of the path is replayed.

    `column` is `alias.column` of the plan's `from`; `value` as PostgreSQL writes it, None for NULL. Its `repr` shows
    no value.
    """

    run: UUID
    column: str
    value: str | None
    actor: str
    reason: str

    def __repr__(self) -> str:
        return f"EditRequest(run={self.run}, column={self.column!r})"


class EditedRow(Document, frozen=True, kw_only=True):
    """The row whose value was edited; `kept_old` where the value that it had is kept as well."""

    mapping: str
    column: str
    kept_old: bool
