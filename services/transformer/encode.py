"""Rows as a COPY stream: binary by pgpq with the encoder the plan fixed for each column, or CSV."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from pgpq import encoders as pgpq_encoders
from pgpq.schema import Jsonb

from shared.core.errors import RunError
from shared.plan.compiled import TargetColumn

if TYPE_CHECKING:
    from pgpq._pgpq import EncoderBuilder

SLICE_ROWS = 2048
NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
ARROW_TYPES = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "text": pa.string(),
    "padded": pa.string(),
    "enum": pa.string(),
    "json": pa.string(),
    "jsonb": pa.string(),
    "bytea": pa.binary(),
    "uuid": pa.binary(),
    "key": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
"""What each encoder takes, exactly."""


def arrow_type(encoder: str) -> pa.DataType:
    """The Arrow type that an encoder takes. Raises RunError for an encoder of another version."""
    numeric = NUMERIC.fullmatch(encoder)
    if numeric:
        return pa.decimal128(int(numeric[1]), int(numeric[2]))
    if encoder not in ARROW_TYPES:
        raise RunError(f"there is no binary encoder {encoder}", code="encoder_unknown")
    return ARROW_TYPES[encoder]


def encode_binary(rows: pa.Table, columns: tuple[TargetColumn, ...]) -> bytes:
    """Binary COPY of the rows, columns as given. Raises RunError where an Arrow type is not exactly the encoder's."""
    for field, column in zip(rows.schema, columns, strict=True):
        if field.type != arrow_type(column.encoder):
            raise RunError(
                f"column {column.name} came as {field.type} for the encoder {column.encoder}", code="type_differs"
            )
    encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(
        rows.schema,
        {field.name: _builder(field, column) for field, column in zip(rows.schema, columns, strict=True)},
    )
    parts = [encoder.write_header()]
    # In slices: the encoder's buffer doubles as it grows, so a whole batch at once would take twice its bytes.
    parts += [encoder.write_batch(batch) for batch in rows.to_batches(max_chunksize=SLICE_ROWS)]
    parts.append(encoder.finish())
    return b"".join(parts)


def encode_csv(rows: pa.Table) -> bytes:
    r"""CSV of text columns as COPY reads it: every text quoted, so that '' is no NULL and `\.` is no end."""
    if rows.num_rows == 0:
        return b""
    return (
        pl.DataFrame(pl.from_arrow(rows))
        .write_csv(include_header=False, quote_style="non_numeric", null_value="")
        .encode()
    )


def _builder(field: pa.Field, column: TargetColumn) -> EncoderBuilder:
    if column.encoder == "jsonb":
        return pgpq_encoders.StringEncoderBuilder.new_with_output(field, Jsonb())
    return ArrowToPostgresBinaryEncoder.infer_encoder(field)
