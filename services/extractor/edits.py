"""Edited values in the place of the source's: of rows that a replay reads."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from services.extractor.csv_texts import csv_of, texts_of
from services.extractor.reading import SourceRows
from shared.core.errors import Refused
from shared.ledger.bounds import BatchBounds
from shared.plan.compiled import CompiledMapping, SourceProgram


class EditRefused(Refused):
    """An edited value has no place in what the plan reads."""

    code = "edit_refused"


def check_edits(mapping: CompiledMapping, edits: Mapping[str, str | None]) -> None:
    """Raise EditRefused where a value was edited of a column that the mapping does not read."""
    programs = [mapping.source, *([mapping.second.source] if mapping.second is not None else [])]
    known = set(chain.from_iterable(map(columns_of, programs)))
    unknown = sorted(edits.keys() - known)
    if unknown:
        raise EditRefused(
            f"values of {', '.join(unknown)} were edited, which the plan does not read in mapping {mapping.name}",
            remedy=f"Let {mapping.name} read the column again, or discard the edited rows.",
        )


def columns_of(source: SourceProgram) -> tuple[str, ...]:
    """The columns that are read, as people write them: `alias.column`."""
    return tuple(f"{column.alias}.{column.column}" for column in source.columns)


def edited(rows: SourceRows, source: SourceProgram, bounds: BatchBounds) -> SourceRows:
    """The rows with the edited values of their batch. Takes CPU: call it in a worker thread."""
    if not bounds.edits:
        return rows
    first, values = len(source.key), dict(bounds.edits)
    places = {first + at: values[name] for at, name in enumerate(columns_of(source)) if name in values}
    texts = texts_of(b"".join(rows.chunks), first + len(source.columns))
    changed = csv_of([places.get(at, text) for at, text in enumerate(row)] for row in texts)
    return SourceRows(chunks=(changed,), row_count=rows.row_count)
