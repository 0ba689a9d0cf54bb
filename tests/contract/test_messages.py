"""The bytes of every message are a contract between services of one version: `messages.json` pins them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from shared.core.counts import Counts
from shared.core.ids import BatchRef
from shared.core.states import Encoding, LoadMode, RunState
from shared.messages import (
    BatchSettled,
    ExtractBatch,
    FinishRun,
    HealthReported,
    LoadBatch,
    Message,
    PlanRun,
    PlanUndo,
    RemoveBatch,
    RunChanged,
    StageHealth,
    TransformBatch,
    UndoBatch,
)
from shared.messages.codec import TAGS, decode, encode, tag_of

GOLDEN = Path(__file__).with_name("messages.json")
RUN = UUID("6f1fca6b-9f4a-4a6e-8a53-0d8d9f6c2a11")
BATCH = BatchRef(run=RUN, mapping="patients", pass_number=2, seq=300, generation=1)
COUNTS = Counts(read=31, loaded=7, updated=6, unchanged=5, merged=4, filtered=3, quarantined=3, deleted=2, different=1)
EXAMPLES: tuple[Message, ...] = (
    PlanRun(run=RUN),
    ExtractBatch(batch=BATCH),
    FinishRun(run=RUN),
    PlanUndo(run=RUN),
    UndoBatch(batch=BATCH),
    RemoveBatch(batch=BATCH),
    TransformBatch(batch=BATCH, mode=LoadMode.INSERT, row_count=70_000, body=b"\x00\xff sealed"),
    LoadBatch(batch=BATCH, mode=LoadMode.MERGE, encoding=Encoding.BINARY, row_count=0, body=b""),
    RunChanged(run=RUN, state=RunState.PAUSED, reason="snapshot_lost"),
    BatchSettled(batch=BATCH, counts=COUNTS),
    HealthReported(
        service="loader",
        instance="host-1:4242",
        version="0.1.0",
        started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        connected={"target": True, "bus": False},
        memory_bytes=300_000_000,
        cpu_share=0.25,
        stages=(
            StageHealth(stage="load", workers=2, handled=9, rows=70_000, seconds=5.0, busy_share=0.5, queue_depth=3),
        ),
    ),
)


def golden() -> dict[str, str]:
    pinned: dict[str, str] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return pinned


def test_every_type_of_message_is_pinned() -> None:
    assert {tag_of(message) for message in EXAMPLES} == set(TAGS) == set(golden())


@pytest.mark.parametrize("message", EXAMPLES, ids=tag_of)
def test_a_message_has_the_pinned_bytes_and_is_read_from_them(message: Message) -> None:
    pinned = bytes.fromhex(golden()[tag_of(message)])
    assert encode(message) == pinned
    assert decode(tag_of(message), pinned) == message
