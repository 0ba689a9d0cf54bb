"""The numbers of rows that settle otherwise than the transformer thought, out of their COPY stream."""

from __future__ import annotations

import struct
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.loader.body import OpenedBatch
from services.loader.copy_rows import join_rows
from services.loader.sums import numeric_text, settled_sums
from services.loader.verdicts import Verdicts
from shared.core.errors import RunError
from shared.core.ids import BatchRef
from shared.core.states import Encoding
from shared.core.sums import SentSums, sum_of
from shared.messages.data import LoadBody, Reason
from tests.loading.target import program

REF = BatchRef(run=UUID(int=1), mapping="payments", seq=1, generation=1)
PROGRAM = program("payments", ("id", "amount"))


def opened(encoding: Encoding, rows: list[bytes], encoder: str, texts: list[str | None]) -> OpenedBatch:
    sums = (SentSums(column="amount", loaded=sum_of(texts), encoder=encoder),)
    body = LoadBody(
        rows=join_rows(encoding, rows),
        row_count=len(rows),
        target_keys=bytes(16 * len(rows)),
        legacy_keys=("",) * len(rows),
        sums=sums,
    )
    return OpenedBatch(batch=REF, encoding=encoding, body=body)


def binary(value: bytes | None) -> bytes:
    amount = struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
    return struct.pack(">hi", 2, 16) + bytes(16) + amount


def judged() -> Verdicts:
    verdicts = Verdicts()
    verdicts.refuse(2, Reason(code="check"))
    verdicts.leave_out(3)
    return verdicts


@pytest.mark.parametrize(("encoder", "form"), (("int2", ">h"), ("int4", ">i"), ("int8", ">q")))
def test_whole_numbers_are_taken_off_as_they_travel(encoder: str, form: str) -> None:
    rows = [binary(struct.pack(form, number)) for number in (1, -20, 300)] + [binary(None)]
    (sums,) = settled_sums(opened(Encoding.BINARY, rows, encoder, ["1", "-20", "300", None]), judged(), PROGRAM)
    assert (sums.loaded, sums.refused, sums.filtered) == (sum_of(["1"]), sum_of(["-20"]), sum_of(["300"]))


def test_texts_are_taken_off_as_they_travel() -> None:
    rows = [b'"a","1.10"\n', b'"b","NaN"\n', b'"c",\n', b'"d","5"\n']
    (sums,) = settled_sums(opened(Encoding.CSV, rows, "numeric", ["1.10", "NaN", None, "5"]), judged(), PROGRAM)
    assert (sums.loaded.total, sums.loaded.strange, sums.refused.strange) == (Decimal("6.10"), 0, 1)


def test_a_batch_of_which_every_row_is_written_is_as_the_transformer_summed_it() -> None:
    batch = opened(Encoding.BINARY, [binary(b"not looked at")], "int4", ["1"])
    assert settled_sums(batch, Verdicts(), PROGRAM) == batch.body.sums


def test_an_encoder_of_another_version_stops_the_run() -> None:
    with pytest.raises(RunError, match="travels as money2"):
        settled_sums(opened(Encoding.BINARY, [binary(b"x")] * 3, "money2", ["1"] * 3), judged(), PROGRAM)


def sent(number: Decimal) -> bytes:
    """A numeric as PostgreSQL sends it."""
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)) + "0" * (exponent % 4)
    exponent -= exponent % 4
    text = text.zfill(-(-len(text) // 4) * 4)
    groups = [int(text[at : at + 4]) for at in range(0, len(text), 4)]
    weight = len(groups) - 1 + exponent // 4
    return struct.pack(">HhHH", len(groups), weight, 0x4000 if sign else 0, max(-exponent, 0)) + b"".join(
        struct.pack(">H", group) for group in groups
    )


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_a_numeric_of_a_binary_stream_is_read_to_its_last_digit(number: Decimal) -> None:
    assert Decimal(numeric_text(sent(number))) == number


@pytest.mark.parametrize(("sign", "text"), ((0xC000, "NaN"), (0xD000, "Infinity"), (0xF000, "-Infinity")))
def test_what_is_no_number_is_read_as_such(sign: int, text: str) -> None:
    assert numeric_text(struct.pack(">HhHH", 0, 0, sign, 0)) == text
