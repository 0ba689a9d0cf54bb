"""The texts of a COPY CSV and back: NULL and the empty text kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

Texts = tuple[str | None, ...]


def texts_of(body: bytes, columns: int) -> list[Texts]:
    """The rows of a CSV of so many columns. Takes CPU: call it in a worker thread."""
    if not body:
        return []
    schema = {str(place): pl.String for place in range(columns)}
    return pl.read_csv(body, has_header=False, schema=schema, truncate_ragged_lines=False).rows()


def csv_of(rows: Iterable[Sequence[str | None]]) -> bytes:
    """The rows as such a CSV: every text quoted, NULL as nothing."""
    return "".join(",".join(map(_field, row)) + "\n" for row in rows).encode()


def _field(text: str | None) -> str:
    return "" if text is None else '"' + text.replace('"', '""') + '"'
