"""What the codec promises: what was encoded is decoded to the same, and anything else is a clear error."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.counts import Counts
from shared.core.errors import BatchError, MessageUnreadable
from shared.core.ids import BatchRef
from shared.core.states import LoadMode
from shared.messages import (
    BatchSettled,
    ExtractBatch,
    FinishRun,
    HealthReported,
    LoadBatch,
    Message,
    PlanRun,
    RunChanged,
    TransformBatch,
)
from shared.messages.codec import MAX_MESSAGE_BYTES, TAGS, decode, encode, size_of, tag_of
from shared.messages.events import StageHealth

RUN = UUID("6f1fca6b-9f4a-4a6e-8a53-0d8d9f6c2a11")
BATCH = BatchRef(run=RUN, mapping="patients", seq=7, generation=2)
whole = st.integers(0, 2**63 - 1)
batches = st.builds(BatchRef, pass_number=st.integers(1, 2), seq=whole, generation=whole)
counts = st.builds(Counts, **dict.fromkeys(Counts.__struct_fields__, whole))
seconds = st.floats(0, 1e9)
stages = st.builds(
    StageHealth,
    **dict.fromkeys(("workers", "handled", "rows"), whole),
    **dict.fromkeys(("seconds", "busy_share"), seconds),
    queue_depth=st.none() | whole,
)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(PlanRun),
    st.builds(ExtractBatch, batch=batches),
    st.builds(FinishRun),
    st.builds(TransformBatch, batch=batches, row_count=whole),
    st.builds(LoadBatch, batch=batches, row_count=whole),
    st.builds(RunChanged),
    st.builds(BatchSettled, batch=batches, counts=counts),
    st.builds(HealthReported, memory_bytes=whole, stages=st.lists(stages, max_size=3).map(tuple)),
)


@given(messages)
def test_every_message_comes_back_the_same(message: Message) -> None:
    assert decode(tag_of(message), encode(message)) == message


@given(messages, st.sampled_from(TAGS))
def test_a_body_is_only_read_as_its_own_type(message: Message, tag: str) -> None:
    if tag == tag_of(message):
        return
    with pytest.raises(MessageUnreadable, match=tag):
        decode(tag, encode(message))


@given(tag=st.sampled_from(TAGS), body=st.binary(max_size=200))
def test_any_bytes_give_a_message_or_a_clear_error(tag: str, body: bytes) -> None:
    try:
        message = decode(tag, body)
    except MessageUnreadable:
        return
    assert tag_of(message) == tag


@pytest.mark.parametrize("tag", (None, "", "extract-batch.v2", "extract-batch", "Xq7Canary"))
def test_an_unknown_type_is_named_as_such_and_not_repeated(tag: str | None) -> None:
    with pytest.raises(MessageUnreadable, match="type or version") as caught:
        decode(tag, encode(PlanRun(run=RUN)))
    assert not tag or tag not in str(caught.value)


def test_a_bad_value_is_not_repeated() -> None:
    body = msgspec.msgpack.encode({"type": "run-changed.v1", "run": str(RUN), "state": "Xq7Canary"})
    with pytest.raises(MessageUnreadable) as caught:
        decode("run-changed.v1", body)
    assert "Xq7Canary" not in str(caught.value)


def test_a_field_of_a_later_version_is_passed_over() -> None:
    body = msgspec.msgpack.encode({"type": "plan-run.v1", "run": str(RUN), "later": 1})
    assert decode("plan-run.v1", body) == PlanRun(run=RUN)


def test_a_message_beyond_the_limit_is_neither_made_nor_read() -> None:
    message = TransformBatch(batch=BATCH, mode=LoadMode.INSERT, row_count=1, body=bytes(MAX_MESSAGE_BYTES))
    with pytest.raises(BatchError) as caught:
        encode(message)
    assert caught.value.code == "message_too_large"
    with pytest.raises(MessageUnreadable, match="limit"):
        decode("transform-batch.v1", msgspec.msgpack.encode(message))


def test_the_size_of_a_message_is_about_that_of_its_body() -> None:
    message = TransformBatch(batch=BATCH, mode=LoadMode.INSERT, row_count=1, body=bytes(100_000))
    assert abs(size_of(message) - len(encode(message))) < 256
    assert size_of(ExtractBatch(batch=BATCH)) > 0
