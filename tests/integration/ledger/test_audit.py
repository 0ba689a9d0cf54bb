"""The audit: appended only, chained, and nothing of it can be changed unseen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.audit import Audit, AuditEntry, AuditFilter, Outcome, append
from shared.ledger.audit_chain import START, Fault, RecordedEntry, canonical, entry_hash, verify
from tests.ledgers.ledger import Ledger

EMPTY = """
    truncate transfuse.audit;
    update transfuse.audit_head set seq = 0, hash = decode(repeat('00', 32), 'hex')
"""
ENTRY = AuditEntry(actor="ada@example.org", role="admin", action="run.start", object_kind="run", object_id="r1")


@pytest.fixture
async def audit(ledger: Ledger) -> AsyncIterator[Audit]:
    """An empty audit."""
    await ledger.connection.execute(EMPTY)
    yield Audit(ledger.pool)
    await ledger.connection.execute(EMPTY)


async def written(audit: Audit, count: int) -> list[str]:
    """So many entries; gives the hash after each."""
    hashes = []
    for _ in range(count):
        await audit.append(ENTRY)
        hashes.append((await audit.verify()).head[1])
    return hashes


async def test_an_entry_is_given_back_as_it_was_written(audit: Audit) -> None:
    entry = AuditEntry(
        actor="ada@example.org",
        role="admin",
        action="legacy.read",
        object_kind="run",
        object_id="r1",
        outcome=Outcome.REFUSED,
        address="127.0.0.1",
        request_id="q1",
        detail={"tables": ["public.patients"], "rowCount": 3, "reason": "a “word” \\ \n: 5:x"},
    )
    assert await audit.append(entry) == 1
    (found,) = await audit.list(AuditFilter())
    for name in ("actor", "role", "action", "object_kind", "object_id", "outcome", "address", "request_id"):
        assert getattr(found, name) == getattr(entry, name)
    assert found.detail == '{"reason": "a “word” \\\\ \\n: 5:x", "tables": ["public.patients"], "rowCount": 3}'
    assert datetime.now(UTC) - found.at < timedelta(minutes=1)
    assert (await audit.verify()).whole


async def test_an_empty_audit_is_whole(audit: Audit) -> None:
    found = await audit.verify()
    assert found.whole
    assert found.head == START


async def test_what_only_a_forged_request_holds_is_recorded_without_it(audit: Audit) -> None:
    await audit.append(
        AuditEntry(actor="a\0\ud800b", action="x", detail={"reason": "\0\\u0000\udfff", "names": ["\0"]})
    )
    (found,) = await audit.list(AuditFilter())
    assert found.actor == "a?b"
    assert found.detail == '{"names": [""], "reason": "\\\\u0000?"}'
    assert (await audit.verify()).whole


async def test_entries_are_listed_youngest_first_by_who_what_and_when(audit: Audit) -> None:
    for actor, action in (("ada", "run.start"), ("ada", "run.cancel"), ("ben", "run.start")):
        await audit.append(AuditEntry(actor=actor, action=action, object_id=action))
    everything = await audit.list(AuditFilter())
    assert [entry.seq for entry in everything] == [3, 2, 1]
    assert [entry.seq for entry in await audit.list(AuditFilter(actor="ada"))] == [2, 1]
    assert [entry.seq for entry in await audit.list(AuditFilter(action="run.start"))] == [3, 1]
    assert [entry.seq for entry in await audit.list(AuditFilter(object_id="run.cancel"))] == [2]
    assert [entry.seq for entry in await audit.list(AuditFilter(), before=3, limit=1)] == [2]
    assert [entry.seq for entry in await audit.list(AuditFilter(since=everything[1].at))] == [3, 2]
    assert [entry.seq for entry in await audit.list(AuditFilter(until=everything[1].at))] == [1]


ANEW = "made anew"


async def rehash(connection: asyncpg.Connection, seq: int) -> None:
    """Give an altered entry the hash that fits it."""
    row = await connection.fetchrow("select *, detail::text as detail from transfuse.audit where seq = $1", seq)
    entry = RecordedEntry(**{name: row[name] for name in RecordedEntry.__struct_fields__})
    made = entry_hash(row["previous_hash"], entry)
    await connection.execute("update transfuse.audit set hash = $2 where seq = $1", seq, made)


TAMPERED = {
    "an actor is altered": ("update transfuse.audit set actor = 'nobody' where seq = 3", Fault.ALTERED, 3),
    "a time is altered": ("update transfuse.audit set at = at + '1 microsecond' where seq = 3", Fault.ALTERED, 3),
    "a detail is altered": ("update transfuse.audit set detail = '{\"x\": 1}' where seq = 5", Fault.ALTERED, 5),
    "text is shifted between fields": (
        "update transfuse.audit set action = 'run.startr', object_kind = 'un' where seq = 3",
        Fault.ALTERED,
        3,
    ),
    "an entry is altered and its hash made anew": (
        "update transfuse.audit set actor = 'nobody' where seq = 3",
        Fault.ALTERED,
        3,
    ),
    "the last is altered and its hash made anew": (
        "update transfuse.audit set actor = 'nobody' where seq = 5",
        Fault.HEAD_ALTERED,
        5,
    ),
    "an entry is deleted": ("delete from transfuse.audit where seq = 3", Fault.MISSING, 3),
    "the first is deleted": ("delete from transfuse.audit where seq = 1", Fault.FIRST_MISSING, 1),
    "the tail is cut": ("delete from transfuse.audit where seq > 3", Fault.TAIL_MISSING, 4),
    "everything is deleted": ("delete from transfuse.audit", Fault.TAIL_MISSING, 1),
    "one is deleted and those after it renumbered": (
        """delete from transfuse.audit where seq = 3;
           update transfuse.audit set seq = 3 where seq = 4; update transfuse.audit set seq = 4 where seq = 5;
           update transfuse.audit_head set seq = 4""",
        Fault.ALTERED,
        3,
    ),
    "two are swapped": (
        """update transfuse.audit set seq = 99 where seq = 2; update transfuse.audit set seq = 2 where seq = 3;
           update transfuse.audit set seq = 3 where seq = 99""",
        Fault.ALTERED,
        2,
    ),
    "one is inserted at the end": (
        """insert into transfuse.audit
           select 6, at, actor, role, action, object_kind, object_id, outcome, address, request_id, detail, hash, hash
             from transfuse.audit where seq = 5""",
        Fault.ALTERED,
        6,
    ),
    "the head is set back": (
        "update transfuse.audit_head set seq = 4, hash = (select hash from transfuse.audit where seq = 4)",
        Fault.BEYOND_HEAD,
        5,
    ),
    "the head is set ahead": ("update transfuse.audit_head set seq = 6", Fault.TAIL_MISSING, 6),
    "the head's hash is altered": ("update transfuse.audit_head set hash = sha256(hash)", Fault.HEAD_ALTERED, 5),
    "the head is deleted": ("delete from transfuse.audit_head", Fault.HEAD_MISSING, None),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_whatever_is_done_to_the_chain_is_seen(audit: Audit, ledger: Ledger, what: str) -> None:
    statement, fault, place = TAMPERED[what]
    await written(audit, 5)
    assert (await audit.verify()).whole
    transaction = ledger.connection.transaction()
    await transaction.start()
    try:
        await ledger.connection.execute(statement)
        if ANEW in what and place is not None:
            await rehash(ledger.connection, place)
        found = await verify(ledger.connection)
    finally:
        await transaction.rollback()
    assert (found.fault, found.broken_at) == (fault, place)


@pytest.mark.parametrize(
    ("statement", "fault", "place"),
    (
        pytest.param(
            """delete from transfuse.audit where seq > 3;
               update transfuse.audit_head set seq = 3, hash = (select hash from transfuse.audit where seq = 3)""",
            Fault.TAIL_MISSING,
            4,
            id="the tail is cut, the head with it",
        ),
        pytest.param(EMPTY, Fault.TAIL_MISSING, 1, id="all is gone, the head set to the start"),
    ),
)
async def test_a_chain_made_anew_does_not_pass_through_a_head_that_was_kept(
    audit: Audit, ledger: Ledger, statement: str, fault: Fault, place: int
) -> None:
    hashes = await written(audit, 5)
    await ledger.connection.execute(statement)
    assert (await audit.verify()).whole
    found = await audit.verify((5, hashes[4]))
    assert (found.fault, found.broken_at) == (fault, place)


async def test_another_chain_of_the_same_length_does_not_pass_through_a_head_that_was_kept(
    audit: Audit, ledger: Ledger
) -> None:
    hashes = await written(audit, 5)
    assert (await audit.verify((3, hashes[2]))).whole
    await ledger.connection.execute(EMPTY)
    await written(audit, 5)
    found = await audit.verify((3, hashes[2]))
    assert (found.fault, found.broken_at) == (Fault.OTHER_CHAIN, 3)


async def test_a_verification_goes_on_where_another_one_ended(audit: Audit, ledger: Ledger) -> None:
    await written(audit, 3)
    first = await audit.verify()
    await written(audit, 2)
    second = await audit.verify(after=first.head)
    assert (second.count, second.head[0], second.whole) == (2, 5, True)
    assert (await audit.verify(after=second.head)).whole
    await ledger.connection.execute("update transfuse.audit set actor = 'nobody' where seq = 4")
    assert (await audit.verify(after=first.head)).broken_at == 4


async def test_appended_by_many_at_once_the_chain_is_whole_and_has_no_gap(audit: Audit, ledger: Ledger) -> None:
    async def some() -> None:
        for _ in range(10):
            await audit.append(ENTRY)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(some())
    found = await audit.verify()
    assert found.whole
    assert (found.count, found.head[0]) == (200, 200)
    times = [entry.at for entry in reversed(await audit.list(AuditFilter(), limit=200))]
    assert times == sorted(times)


async def test_an_entry_of_a_transaction_that_is_rolled_back_leaves_no_gap(audit: Audit, ledger: Ledger) -> None:
    await audit.append(ENTRY)
    transaction = ledger.connection.transaction()
    await transaction.start()
    assert await append(ledger.connection, ENTRY) == 2
    await transaction.rollback()
    assert await audit.append(ENTRY) == 2
    assert (await audit.verify()).whole


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.text("0123456789:", max_size=6)
ENTRIES = st.builds(
    RecordedEntry,
    seq=st.integers(1, 2**63 - 1),
    at=st.datetimes(timezones=st.just(UTC)),
    **dict.fromkeys(
        ("actor", "role", "action", "object_kind", "object_id", "outcome", "address", "request_id", "detail"), TEXTS
    ),
)


@given(ENTRIES, ENTRIES)
def test_two_different_entries_never_have_the_same_bytes(one: RecordedEntry, other: RecordedEntry) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


@given(st.lists(TEXTS, min_size=9, max_size=9), st.lists(st.integers(0, 40), min_size=8, max_size=8))
def test_no_text_can_be_shifted_from_one_field_into_another(texts: list[str], cuts: list[int]) -> None:
    names = ("actor", "role", "action", "object_kind", "object_id", "outcome", "address", "request_id", "detail")
    at = datetime(2026, 1, 31, tzinfo=UTC)
    joined = "".join(texts)
    places = [0, *sorted(min(cut, len(joined)) for cut in cuts), len(joined)]
    shifted = [joined[start:end] for start, end in pairwise(places)]
    one = RecordedEntry(seq=1, at=at, **dict(zip(names, texts, strict=True)))
    other = RecordedEntry(seq=1, at=at, **dict(zip(names, shifted, strict=True)))
    assert (canonical(one) == canonical(other)) == (texts == shifted)
