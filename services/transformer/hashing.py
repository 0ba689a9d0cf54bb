"""Names of keys to UUIDs, in bulk. `shared.core.keys` is the reference."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import polars as pl
import polars_hash
import pyarrow as pa

KEY_BYTES = 16


def uuid_texts(names: pa.Array | pa.ChunkedArray, namespace: UUID) -> pl.Series:
    """UUIDs version 5 of the names as text; NULL for NULL."""
    frame = pl.DataFrame({"name": pl.Series(pl.from_arrow(names), dtype=pl.String)})
    return frame.select(polars_hash.col("name").uuidhash.uuid5(str(namespace))).to_series()


def uuid_bytes(texts: pl.Series) -> pa.Array:
    """UUIDs in text as 16 bytes each; NULL for NULL."""
    if texts.null_count() or not len(texts):
        plain = texts.str.replace_all("-", "", literal=True).str.decode("hex")
        return plain.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.binary())
    joined = bytes.fromhex(texts.str.join("").item().replace("-", ""))
    offsets = np.arange(0, len(joined) + 1, KEY_BYTES, dtype=np.int32)
    return pa.Array.from_buffers(pa.binary(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(joined)])


def reference_texts(names: pa.Array | pa.ChunkedArray, namespace: UUID) -> pa.Array:
    """UUIDs in text of references: children share their parents, so each name is hashed once."""
    encoded = _distinct(names)
    return (
        uuid_texts(encoded.dictionary, namespace).to_arrow(compat_level=pl.CompatLevel.oldest()).take(encoded.indices)
    )


def reference_bytes(names: pa.Array | pa.ChunkedArray, namespace: UUID) -> pa.Array:
    """UUIDs of references, 16 bytes each."""
    encoded = _distinct(names)
    return uuid_bytes(uuid_texts(encoded.dictionary, namespace)).take(encoded.indices)


def joined_bytes(column: pa.Array) -> bytes:
    """16 bytes a row, one after the other. There is no NULL among them."""
    if len(column) == 0:
        return b""
    _, offsets, values = column.buffers()
    first = int.from_bytes(offsets[column.offset * 4 : column.offset * 4 + 4], "little")
    return bytes(values[first : first + KEY_BYTES * len(column)])


def _distinct(names: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    single = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    return single.dictionary_encode()
