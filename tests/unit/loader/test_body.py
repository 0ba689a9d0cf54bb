"""What the loader accepts of the transformer: figures that agree, keys that are distinct, a seal that fits."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from services.loader.body import open_batch
from shared.core.errors import RunError, SealBroken
from shared.core.ids import BatchRef
from shared.core.states import Encoding, LoadMode, Stage
from shared.crypto.aad import batch_aad
from shared.crypto.envelope import RunKey
from shared.messages.data import LoadBatch, LoadBody, RefusedRow

REF = BatchRef(run=UUID(int=1), mapping="people", seq=1, generation=1)
KEY = RunKey(bytes(32))
KEYS = bytes(range(48))
BODY = LoadBody(rows=b"", row_count=3, target_keys=KEYS, legacy_keys=("1", "2", "3"), filtered_keys=bytes(16))


def message(body: LoadBody, row_count: int = 3, ref: BatchRef = REF) -> LoadBatch:
    sealed = KEY.seal(msgspec.msgpack.encode(body), batch_aad(REF, Stage.LOAD))
    return LoadBatch(batch=ref, mode=LoadMode.INSERT, encoding=Encoding.BINARY, row_count=row_count, body=sealed)


def test_a_batch_is_opened_and_its_keys_are_found_by_ordinal() -> None:
    opened = open_batch(message(BODY), KEY)
    assert (opened.read_count, opened.filtered_count) == (4, 1)
    assert (opened.target_key(1), opened.target_key(3), opened.legacy_key(2)) == (KEYS[:16], KEYS[32:], "2")


@pytest.mark.parametrize(
    "wrong",
    (
        {"row_count": 2},
        {"target_keys": KEYS[:40]},
        {"target_keys": KEYS[:32]},
        {"legacy_keys": ("1",)},
        {"filtered_keys": bytes(15)},
        {"filtered_keys": KEYS[:16]},
        {"refused": (RefusedRow(legacy_key="4", target_key=KEYS[:16], reasons=(), row=b"{}"),)},
    ),
)
def test_figures_that_contradict_each_other_stop_the_run(wrong: dict[str, object]) -> None:
    with pytest.raises(RunError):
        open_batch(message(msgspec.structs.replace(BODY, **wrong)), KEY)


def test_a_message_that_counts_otherwise_than_its_body_stops_the_run() -> None:
    with pytest.raises(RunError):
        open_batch(message(BODY, row_count=4), KEY)


def test_refused_rows_without_a_key_are_not_taken_for_repeated_ones() -> None:
    refused = tuple(RefusedRow(legacy_key=text, target_key=b"", reasons=(), row=b"{}") for text in "ab")
    assert open_batch(message(msgspec.structs.replace(BODY, refused=refused)), KEY).read_count == 6


def test_a_body_of_another_generation_does_not_open() -> None:
    with pytest.raises(SealBroken):
        open_batch(message(BODY, ref=msgspec.structs.replace(REF, generation=2)), KEY)
