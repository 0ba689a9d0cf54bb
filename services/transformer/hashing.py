"""Names of keys to UUIDs, in bulk. `shared.core.keys` is the reference.

Names that begin with ORDERED_MARK are of keys that are one integer: their UUIDs are version 8, in its order.
"""

from __future__ import annotations

from uuid import UUID

import numpy as np
import polars as pl
import polars_hash
import pyarrow as pa

from shared.core.keys import MOST_ORDERED, ORDERED_MARK

KEY_BYTES = 16
ORDERED_BYTES = 6
DIGITS = KEY_BYTES * 2
HYPHENS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
"""Where the groups of a UUID stand among its digits, and how long they are."""


def uuid_texts(names: pa.Array | pa.ChunkedArray, namespace: UUID) -> pl.Series:
    """UUIDs of the names as text, version 8 of ordered keys and else version 5; NULL for NULL."""
    frame = pl.DataFrame({"name": pl.Series(pl.from_arrow(names), dtype=pl.String)})
    marked = frame["name"].str.starts_with(ORDERED_MARK)
    if marked.any():
        return _with_ordered(frame["name"], namespace)
    return frame.select(polars_hash.col("name").uuidhash.uuid5(str(namespace))).to_series()


def _with_ordered(names: pl.Series, namespace: UUID) -> pl.Series:
    """UUIDs of names, some with the mark: version 8 of those whose integer is in range, version 5 of the others."""
    frame = pl.DataFrame({"marked": names}).with_columns(
        name=pl.col("marked").str.strip_prefix(ORDERED_MARK),
        # A domain may end like a number: what counts is what follows the last colon, in names with the mark alone.
        number=pl.when(pl.col("marked").str.starts_with(ORDERED_MARK)).then(
            pl.col("marked").str.extract(r":(-?\d+)$").str.to_integer(strict=False)
        ),
    )
    in_range = frame["number"].is_between(0, MOST_ORDERED).fill_null(False)  # noqa: FBT003 - a value, no option
    ordered = _ordered_texts(frame.filter(in_range), namespace)
    if in_range.all():
        return ordered
    texts = frame.select(polars_hash.col("name").uuidhash.uuid5(str(namespace))).to_series()
    return texts.scatter(in_range.arg_true(), ordered)


def _ordered_texts(keys: pl.DataFrame, namespace: UUID) -> pl.Series:
    """UUIDs version 8 as text, of `name` and `number`: 48 bits of the number, then the leading bits of the digest."""
    if keys.is_empty():
        return pl.Series(dtype=pl.String)
    hashed = keys.select(name=pl.lit(namespace.bytes) + pl.col("name").cast(pl.Binary))
    digests = hashed.select(polars_hash.col("name").nchash.sha1()).to_series()
    head = np.frombuffer(bytes.fromhex(digests.str.slice(0, DIGITS - 2 * ORDERED_BYTES).str.join("").item()), np.uint8)
    whole = np.empty((keys.height, KEY_BYTES), np.uint8)
    whole[:, :ORDERED_BYTES] = keys["number"].to_numpy().astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
    whole[:, ORDERED_BYTES:] = head.reshape(keys.height, -1)
    whole[:, 6] = whole[:, 6] & 0x0F | 0x80
    whole[:, 8] = whole[:, 8] & 0x3F | 0x80
    offsets = np.arange(0, DIGITS * keys.height + 1, DIGITS, dtype=np.int32)
    digits = pl.Series(
        pl.from_arrow(
            pa.Array.from_buffers(
                pa.string(), keys.height, [None, pa.py_buffer(offsets), pa.py_buffer(whole.tobytes().hex().encode())]
            )
        )
    )
    groups = [digits.str.slice(start, length).alias(str(start)) for start, length in HYPHENS]
    return pl.DataFrame(groups).select(pl.concat_str(pl.all(), separator="-")).to_series()


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
