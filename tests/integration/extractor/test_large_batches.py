"""What is too large for a message: split, kept in the ledger, or known by its key alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.extractor.extraction import Limits
from shared.core.ids import BatchRef
from shared.core.states import Stage
from shared.ledger.bodies import body_id
from shared.messages import TransformBatch
from tests.integration.extractor.conftest import address_of
from tests.integration.extractor.extractor import LEGACY, TARGET, Extractor, opened_extractor, plan_text
from tests.ledgers.ledger import Ledger

KEPT = "select id, mapping, seq, generation, length(body) as bytes from transfuse.body"
LARGE = (
    "update person set first_name = (select string_agg(md5(g::text), '') from generate_series(1, 300) g) where id = 7"
)


class Large:
    """An extractor with small limits over a legacy database whose person 7 has a name of 9,600 letters."""

    def __init__(self, ledger: Ledger, legacy: asyncpg.Connection, url: str) -> None:
        self.ledger = ledger
        self.legacy = legacy
        self.url = url

    @asynccontextmanager
    async def extractor(self, limits: Limits) -> AsyncIterator[Extractor]:
        async with opened_extractor(self.ledger, address_of(self.url), limits=limits) as opened:
            yield opened


@pytest.fixture
async def large(ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str) -> Large:
    await legacy.execute(LEGACY)
    await legacy.execute(LARGE)
    await ledger.connection.execute(TARGET)
    return Large(ledger, legacy, legacy_url)


async def drained(extractor: Extractor) -> list[TransformBatch]:
    """What all batches of the run come to, however often they are split."""
    messages: list[TransformBatch] = []
    while issued := await extractor.dispatched():
        for batch in issued:
            for message in await extractor.extract(batch):
                assert isinstance(message, TransformBatch)
                messages.append(message)
    return messages


async def texts(extractor: Extractor, messages: list[TransformBatch]) -> list[bytes]:
    """Their rows in the order of the key."""
    lines = b"".join([await extractor.rows(message.batch) for message in messages]).splitlines()
    return sorted(lines, key=lambda line: int(line.split(b",")[0]))


async def test_a_batch_that_is_too_large_is_split_and_nothing_is_lost(large: Large) -> None:
    async with large.extractor(Limits(batch_bytes=200)) as extractor:
        run = await extractor.planned(plan_text(), batch_rows=100)
        messages = await drained(extractor)
        assert [line.split(b",")[0] for line in await texts(extractor, messages)] == [b"%d" % n for n in range(1, 26)]
        assert [message.row_count for message in messages if not message.too_large].count(1) >= 1
    generations = await large.ledger.connection.fetch(
        "select seq, generation from transfuse.batch where run_id = $1", run
    )
    assert len(generations) == len(messages) >= 4
    assert max(row["generation"] for row in generations if row["seq"] == 1) >= 3


async def test_a_row_that_a_message_cannot_carry_is_kept_in_the_ledger_once_however_often_it_comes(
    large: Large,
) -> None:
    async with large.extractor(Limits(batch_bytes=2000, body_bytes=1000)) as extractor:
        await extractor.planned(plan_text(), batch_rows=1)
        messages = {message.batch.seq: message for message in await drained(extractor)}
        (kept,) = await large.ledger.connection.fetch(KEPT)
        message = messages[kept["seq"]]
        assert (message.body, message.body_id, message.row_count, message.too_large) == (b"", kept["id"], 1, False)
        assert kept["bytes"] > 1000
        assert all(other.body_id is None and other.body for seq, other in messages.items() if seq != kept["seq"])
        (again,) = await extractor.extract(message.batch)
        assert isinstance(again, TransformBatch)
        assert again.body_id == message.body_id
        assert (await extractor.rows(message.batch)).startswith(b"7,7,c4ca4238a0b923820dcc509a6f75849b")
    assert len(await large.ledger.connection.fetch(KEPT)) == 1


async def test_of_a_row_above_the_limit_no_more_than_the_key_travels_and_the_run_goes_on(large: Large) -> None:
    async with large.extractor(Limits(row_bytes=2000)) as extractor:
        run = await extractor.planned(plan_text(), batch_rows=10)
        messages = await drained(extractor)
        (refused,) = [message for message in messages if message.too_large]
        assert await extractor.rows(refused.batch) == b"7,,,\n"
        whole = [message for message in messages if not message.too_large]
        assert sum(message.row_count for message in whole) == 24
        assert (await extractor.outcome(run))[0] == "running"


async def test_equal_rows_without_identity_count_together_and_are_told_apart_by_their_number(large: Large) -> None:
    await large.legacy.execute("alter table person drop constraint person_pkey")
    await large.legacy.execute("insert into person select * from person where id = 7")
    async with large.extractor(Limits(row_bytes=2000)) as extractor:
        text = plan_text(from_="person AS p", key="content()").replace("c.city", "p.email")
        run = await extractor.planned(text + "unmapped: {contact: not moved}\n")
        assert await extractor.outcome(run) == ("running", "", "", "")
        messages = await drained(extractor)
        (refused,) = [message for message in messages if message.too_large]
        first, second = (await extractor.rows(refused.batch)).splitlines()
        assert (first[:2], second[:2]) == (b"1,", b"2,")
        assert first[2:] == second[2:]
        assert first.endswith(b",,")


def test_every_stage_pass_and_generation_of_a_batch_has_a_body_of_its_own() -> None:
    batch = BatchRef(run=UUID(int=5), mapping="m", seq=1, generation=1)
    later, second = msgspec.structs.replace(batch, generation=2), msgspec.structs.replace(batch, pass_number=2)
    ids = [body_id(ref, stage) for ref in (batch, later, second) for stage in (Stage.TRANSFORM, Stage.LOAD)]
    assert len(set(ids)) == len(ids)
