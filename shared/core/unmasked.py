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
