"""What a function of the plan language is made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
import pyarrow as pa

REMEMBERED = 65_536
"""Distinct values whose result one native function keeps, so that repeats cost a look-up."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A call and its result as text, NULL as None. `fails`: the row has the function's reason."""

    call: str
    result: str | None = None
    fails: bool = False


class Native(msgspec.Struct, frozen=True, kw_only=True):
    """A function on Arrow arrays that DuckDB knows as `name`; takes and gives one value per row, NULL for NULL."""

    name: str
    arguments: tuple[str, ...]
    result: str
    function: Callable[..., pa.Array]


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """One function beside DuckDB's own.

    `reason` is the code of its failure: an argument is there and the result is NULL; empty for what cannot fail. A
    blank first argument counts as missing where `blank_is_missing`. `macro` and `natives` make it known to DuckDB; a
    function without both is written out by the compiler. `steps` are macros of one argument to be computed one after
    the other in columns of their own: a macro repeats its argument's text, so one that names it twice must not get
    another's work.
    """

    name: str
    signature: str
    summary: str
    minimum: int
    maximum: int | None
    reason: str = ""
    blank_is_missing: bool = False
    macro: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    natives: tuple[Native, ...] = ()
    examples: tuple[Example, ...] = ()


def by_value(convert: Callable[[str], str | None]) -> Callable[[Any], pa.Array]:
    """An Arrow function from one on texts, called once per distinct text; the last results are kept."""
    remembered = lru_cache(maxsize=REMEMBERED)(convert)

    def over_distinct(values: pa.ChunkedArray) -> pa.Array:
        encoded = _single(values).dictionary_encode()
        results = pa.array([remembered(value) for value in encoded.dictionary.to_pylist()], type=pa.string())
        if len(results) == 0:
            return pa.nulls(len(values), pa.string())
        return results.take(encoded.indices)

    return over_distinct


def each_value(convert: Callable[[str], str | bool | None], result: pa.DataType) -> Callable[[Any], pa.Array]:
    """An Arrow function from one on texts, called for every value: for long texts that hardly ever repeat."""

    def over_all(values: pa.ChunkedArray) -> pa.Array:
        return pa.array([None if value is None else convert(value) for value in values.to_pylist()], type=result)

    return over_all


def _single(values: pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
