"""Names of keys to UUIDs, in bulk. `shared.core.keys` is the reference."""

from __future__ import annotations

from uuid import UUID

import polars as pl
import polars_hash
import pyarrow as pa


def uuid_texts(names: pa.Array | pa.ChunkedArray, namespace: UUID) -> pl.Series:
    """UUIDs version 5 of the names as text; NULL for NULL."""
    frame = pl.DataFrame({"name": pl.Series(pl.from_arrow(names), dtype=pl.String)})
    return frame.select(polars_hash.col("name").uuidhash.uuid5(str(namespace))).to_series()


def uuid_bytes(texts: pl.Series) -> pa.Array:
    """UUIDs in text as 16 bytes each."""
    plain = texts.str.replace_all("-", "", literal=True).str.decode("hex")
    return plain.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.binary())


def joined_bytes(column: pa.Array) -> bytes:
    """16 bytes a row, one after the other. There is no NULL among them."""
    if len(column) == 0:
        return b""
    _, offsets, values = column.buffers()
    first = int.from_bytes(offsets[column.offset * 4 : column.offset * 4 + 4], "little")
    return bytes(values[first : first + 16 * len(column)])
