"""What a batch sends of the columns whose sums are to be proven, by what became of its rows."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from services.transformer.statements import Answer
from shared.core.sums import SentSums, Sum, sum_of
from shared.plan.compiled import CompiledMapping

WIDE = pa.decimal128(38, 0)
SPARE_DIGITS = 6
"""A batch has at most 50,000 rows: so many digits more hold every sum."""
MOST_DIGITS = 38
WIDEST_DIGITS = 76


class Fates(msgspec.Struct, frozen=True, kw_only=True):
    """Three masks over the rows of an answer; each row is in exactly one."""

    loaded: pl.Series
    refused: pl.Series
    filtered: pl.Series


def sent_sums(mapping: CompiledMapping, answer: Answer, source: pl.DataFrame, fates: Fates) -> tuple[SentSums, ...]:
    """The sums of each column that the plan wants proven; empty where it wants none."""
    wanted = mapping.load.proof_sums
    found = []
    for number, column in enumerate(mapping.transform.target_columns):
        if column.name not in wanted:
            continue
        values = answer.rows[f"v{number}"]
        loaded = values if fates.loaded.all() else values.filter(fates.loaded.to_arrow())
        sums = SentSums(column=column.name, loaded=_sum(loaded), encoder=column.encoder)
        plain = mapping.source.sums.get(column.name)
        if plain is None:
            sums = msgspec.structs.replace(
                sums,
                refused=_sum(values.filter(fates.refused.to_arrow())),
                filtered=_sum(values.filter(fates.filtered.to_arrow())),
            )
        elif answer.failed or loaded.null_count or not fates.loaded.all():
            empty = pl.Series(pl.from_arrow(values.is_null()), dtype=pl.Boolean)
            sums = _beside(sums, source[plain], answer, fates, empty)
        found.append(sums)
    return tuple(found)


def unread_sums(mapping: CompiledMapping, row_count: int) -> tuple[SentSums, ...]:
    """The same of rows of which no more than the keys was read."""
    return tuple(SentSums(column=name, unread=row_count) for name in mapping.load.proof_sums)


def _beside(sums: SentSums, texts: pl.Series, answer: Answer, fates: Fates, empty: pl.Series) -> SentSums:
    """What is not loaded, by the source's own texts: what was made of them may be nothing."""
    read = texts
    if answer.failed:
        failed = set(answer.failed)
        read = texts.gather([place for place in range(len(texts)) if place not in failed])
    return msgspec.structs.replace(
        sums,
        refused=sum_of(read.filter(fates.refused).to_list()) + sum_of(texts.gather(list(answer.failed)).to_list()),
        filtered=sum_of(read.filter(fates.filtered).to_list()),
        aside=sum_of(read.filter(fates.loaded & empty).to_list()),
    )


def _sum(values: pa.ChunkedArray) -> Sum:
    """The sum of numbers of any type that is summed exactly; texts one by one."""
    kind = values.type
    count = len(values) - values.null_count
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return sum_of(_texts(values))
    if not count:
        return Sum()
    if pa.types.is_decimal(kind):
        digits = kind.precision + SPARE_DIGITS
        if digits > MOST_DIGITS:
            values = values.cast(pa.decimal256(min(digits, WIDEST_DIGITS), kind.scale))
    else:
        values = values.cast(WIDE)  # 64 bits would overflow in silence
    return Sum(total=pc.sum(values).as_py(), values=count)


def _texts(values: pa.ChunkedArray) -> Iterable[str | None]:
    texts: list[str | None] = values.to_pylist()
    return texts
