"""The sums of a batch as it settles: what the target refused or the loader left out is taken off, to the last digit."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from services.loader.body import OpenedBatch
from services.loader.copy_rows import split_rows, texts_of, values_of
from services.loader.verdicts import Verdicts
from shared.core.errors import RunError
from shared.core.states import Encoding
from shared.core.sums import SentSums
from shared.plan.compiled import LoadProgram

_WHOLE = {"int2": struct.Struct(">h"), "int4": struct.Struct(">i"), "int8": struct.Struct(">q")}
_NUMERIC = struct.Struct(">HhHH")
_DIGIT = struct.Struct(">H")
_DIGITS = 4
_NEGATIVE = 0x4000
_STRANGE = {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}


def settled_sums(opened: OpenedBatch, verdicts: Verdicts, program: LoadProgram) -> tuple[SentSums, ...]:
    """What the transformer summed, with those rows moved that are not in the target after all."""
    sums = opened.body.sums
    gone, left = sorted(verdicts.refused), sorted(verdicts.filtered)
    if not sums or not (gone or left):
        return sums
    rows = split_rows(opened.encoding, opened.body.rows)
    travelling = (*program.columns, *program.follows)
    found = []
    for one in sums:
        place = travelling.index(one.column)

        def values(ordinals: Iterable[int], one: SentSums = one, place: int = place) -> list[str | None]:
            return [_number(opened.encoding, one.encoder, rows[ordinal - 1], place) for ordinal in ordinals]

        found.append(one.takes_off(values(gone), values(left)))
    return tuple(found)


def _number(encoding: Encoding, encoder: str, row: bytes, place: int) -> str | None:
    """The text of one number of an encoded row. Raises RunError for an encoder of another version."""
    if encoding is Encoding.CSV:
        return texts_of(encoding, row)[place] or None
    value = values_of(row)[place]
    if value is None:
        return None
    if encoder in _WHOLE:
        return str(_WHOLE[encoder].unpack(value)[0])
    if encoder.startswith("numeric"):
        return numeric_text(value)
    raise RunError(f"A column whose sum is to be proven travels as {encoder}.", code="version_differs")


def numeric_text(value: bytes) -> str:
    """A numeric of binary COPY as text: digits of base 10,000, the first one of the weight that precedes them."""
    count, weight, sign, _scale = _NUMERIC.unpack_from(value)
    if sign in _STRANGE:
        return _STRANGE[sign]
    digits = "".join(
        f"{_DIGIT.unpack_from(value, _NUMERIC.size + place * _DIGIT.size)[0]:04}" for place in range(count)
    )
    exponent = (weight + 1 - count) * _DIGITS
    return f"{'-' if sign == _NEGATIVE else ''}{digits or '0'}E{exponent}"
