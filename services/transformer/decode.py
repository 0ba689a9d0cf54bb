"""COPY CSV as text columns: NULL and the empty text kept apart, every value as PostgreSQL wrote it."""

from __future__ import annotations

import polars as pl

from shared.core.errors import BatchError, RunError
from shared.plan.compiled import SourceProgram


def column_names(source: SourceProgram) -> tuple[str, ...]:
    """Columns of the CSV in order: the key's parts, then the others."""
    return (*(part.name for part in source.key), *(column.name for column in source.columns))


def decode(body: bytes, names: tuple[str, ...], row_count: int) -> pl.DataFrame:
    """The rows of a batch, all text. Raises RunError where it is not such a CSV, BatchError where rows are missing."""
    if row_count == 0 and not body:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    try:
        rows = pl.read_csv(
            body,
            has_header=False,
            schema=dict.fromkeys(names, pl.String),
            truncate_ragged_lines=False,
            raise_if_empty=True,
        )
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise RunError(
            f"a batch of {len(body)} bytes is no CSV of {len(names)} columns", code="csv_unreadable"
        ) from error
    if rows.height != row_count:
        raise BatchError(f"COPY counted {row_count} rows and {rows.height} were decoded", code="rows_differ")
    return rows
