"""The rooms of migrations, around a ledger and clients that a test plays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest

from services.notifier.documents import ProgressEvent
from services.notifier.migration_rooms import MigrationRooms
from services.notifier.refusal import SocketRefused
from services.notifier.sessions import SocketSession
from shared.core.document import Document
from shared.core.errors import WorldError
from shared.core.states import RunState
from shared.status.document import RunStatus
from shared.status.status import run_status
from tests.harness.snapshots import run_snapshot

MIGRATION, RUN = UUID(int=2), UUID(int=1)


class LedgerFake:
    """One migration and its runs. `readings` counts them; while `away`, nothing can be read."""

    def __init__(self) -> None:
        self.runs: dict[UUID, UUID | None] = {MIGRATION: RUN}
        self.statuses = {RUN: run_status(run_snapshot())}
        self.readings: list[UUID] = []
        self.searches = 0
        self.away = False

    def move(self, seq: int, run: UUID = RUN, **fields: Any) -> None:  # noqa: ANN401 - fields of any type
        self.statuses[run] = run_status(run_snapshot(run=run, seq=seq, **fields))

    async def of_run(self, run: UUID) -> RunStatus:
        self.readings.append(run)
        await asyncio.sleep(0)
        if self.away:
            raise WorldError("The ledger is away.")
        return self.statuses[run]

    async def of_none(self, migration: UUID) -> RunStatus:
        raise AssertionError(migration)

    async def of(self, migrations: Sequence[UUID]) -> dict[UUID, UUID | None]:
        self.searches += 1
        if self.away:
            raise WorldError("The ledger is away.")
        return {migration: self.runs[migration] for migration in migrations if migration in self.runs}


class VoiceFake:
    """Keeps what is said, by whom it is said to."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, Document]] = []
        self.closed: list[str] = []
        self._news = asyncio.Event()

    async def tell(self, to: str, event: str, document: Document) -> None:
        self.said.append((to, event, document))
        self._news.set()

    async def enter(self, sid: str, room: str) -> bool:
        return sid != "gone"

    async def leave(self, sid: str, room: str) -> None:
        pass

    async def close(self, room: str) -> None:
        self.closed.append(room)
        self._news.set()

    def seqs(self, to: str = f"migration:{MIGRATION}") -> list[int]:
        return [told.seq for said_to, _, told in self.said if said_to == to and isinstance(told, ProgressEvent)]

    async def until_seq(self, seq: int) -> None:
        async with asyncio.timeout(10):
            while seq not in self.seqs():
                self._news.clear()
                await self._news.wait()

    async def until_closed(self) -> None:
        async with asyncio.timeout(10):
            while not self.closed:
                self._news.clear()
                await self._news.wait()


class Steps:
    """Something that is waited for and passes when the test says so."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def wait(self) -> None:
        passed = asyncio.Event()
        self._waiting.put_nowait(passed)
        await passed.wait()

    async def reached(self) -> asyncio.Event:
        """The next one who waits."""
        async with asyncio.timeout(10):
            return await self._waiting.get()

    async def pass_one(self) -> None:
        (await self.reached()).set()


class Played:
    """Rooms, and what is around them."""

    def __init__(self) -> None:
        self.ledger, self.voice = LedgerFake(), VoiceFake()
        self.rests, self.ticks = Steps(), Steps()
        self.now = 0.0
        self.rooms = MigrationRooms(
            self.ledger,
            self.ledger,
            self.voice,
            interval=self.rests.wait,
            tick=self.ticks.wait,
            clock=lambda: self.now,
        )

    async def round(self) -> None:
        """A round that finds every room stale."""
        self.now += 4.0
        await self.ticks.pass_one()

    async def join(self, sid: str = "one", migration: UUID = MIGRATION) -> SocketSession:
        session = cast("SocketSession", SimpleNamespace(sid=sid, rooms=set()))
        await self.rooms.join(migration, session)
        return session


@pytest.fixture
async def played() -> AsyncIterator[Played]:
    found = Played()
    async with going(found.rooms):
        yield found


@asynccontextmanager
async def going(rooms: MigrationRooms) -> AsyncIterator[None]:
    draining = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(rooms.run(draining))
        yield
        draining.set()


async def settled() -> None:
    """Let everything happen that can without time or a step."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_hundred_events_within_an_interval_are_one_reading_and_one_telling(played: Played) -> None:
    await played.join()
    played.ledger.move(2)
    played.rooms.touch(RUN)
    await played.voice.until_seq(2)
    assert len(played.ledger.readings) == 2
    for seq in range(3, 103):
        played.ledger.move(seq)
        played.rooms.touch(RUN)
        await asyncio.sleep(0)
    assert len(played.ledger.readings) == 2, "read again before its rest was over"
    await played.rests.pass_one()
    await played.voice.until_seq(102)
    assert len(played.ledger.readings) == 3
    assert played.voice.seqs() == [2, 102]


async def test_a_run_that_nobody_watches_costs_nothing(played: Played) -> None:
    for run in (RUN, uuid4(), uuid4()):
        played.rooms.touch(run)
    await played.round()
    await settled()
    assert (played.ledger.readings, played.ledger.searches) == ([], 0)
    session = await played.join()
    await played.rooms.leave(MIGRATION, session)
    await played.rests.pass_one() if played.voice.seqs() else None
    readings, searches = len(played.ledger.readings), played.ledger.searches
    played.rooms.touch(RUN)
    await played.round()
    await settled()
    assert (len(played.ledger.readings), played.ledger.searches) == (readings, searches)


async def test_runs_of_others_are_looked_up_once_however_often_they_move(played: Played) -> None:
    await played.join()
    other = uuid4()
    searches = played.ledger.searches
    for _ in range(100):
        played.rooms.touch(other)
        await asyncio.sleep(0)
    await settled()
    assert played.ledger.searches == searches + 1
    assert set(played.ledger.readings) == {RUN}


async def test_a_lost_event_costs_a_round(played: Played) -> None:
    await played.join()
    played.ledger.move(5)
    await settled()
    assert played.voice.seqs() == []
    await played.round()
    await played.voice.until_seq(5)


async def test_a_new_run_is_found_in_a_round_even_if_every_event_of_it_is_lost(played: Played) -> None:
    played.ledger.move(9, state=RunState.COMPLETED)
    await played.join()
    other = uuid4()
    played.ledger.move(1, run=other)
    played.ledger.runs[MIGRATION] = other
    await played.round()
    await played.voice.until_seq(1)


async def test_a_room_whose_reading_failed_is_read_again(played: Played) -> None:
    await played.join()
    played.ledger.move(3)
    played.ledger.away = True
    played.rooms.touch(RUN)
    await settled()
    assert len(played.ledger.readings) == 2
    played.ledger.away = False
    await played.rests.pass_one()
    await played.voice.until_seq(3)


async def test_nobody_is_told_something_older_than_before(played: Played) -> None:
    played.ledger.move(7)
    await played.join()
    played.ledger.move(6)
    played.rooms.touch(RUN)
    await played.rests.pass_one()
    played.ledger.move(8)
    played.rooms.touch(RUN)
    await played.voice.until_seq(8)
    assert played.voice.seqs() == [8]


async def test_a_hundred_who_join_at_once_are_told_after_one_reading(played: Played) -> None:
    await asyncio.gather(*(played.join(f"client {number}") for number in range(100)))
    assert len(played.ledger.readings) == 1
    assert all(played.voice.seqs(f"client {number}") == [1] for number in range(100))


async def test_who_joins_later_is_told_what_is_true_then(played: Played) -> None:
    await played.join("first")
    played.ledger.move(4)
    played.now = 1.0
    await played.join("second")
    assert (played.voice.seqs("first"), played.voice.seqs("second")) == ([1], [4])
    assert played.voice.seqs() == [4], "those who were there hear it too"


async def test_one_who_fails_to_join_takes_the_room_from_nobody(played: Played) -> None:
    played.ledger.away = True
    with pytest.raises(WorldError):
        await played.join("early")
    played.ledger.away = False
    await played.join("gone")
    await played.join("stays")
    played.ledger.move(2)
    played.rooms.touch(RUN)
    await played.voice.until_seq(2)


async def test_the_room_of_a_migration_that_is_deleted_is_closed(played: Played) -> None:
    await played.join()
    played.ledger.runs.clear()
    await played.round()
    await played.voice.until_closed()
    with pytest.raises(SocketRefused) as caught:
        await played.join()
    assert caught.value.code == "not_found"


async def test_a_state_is_told_when_it_is_entered_and_a_snapshot_always(played: Played) -> None:
    await played.join()
    for seq, state in (
        (2, RunState.RUNNING),
        (3, RunState.FINISHING),
        (4, RunState.COMPLETED),
        (5, RunState.COMPLETED),
    ):
        played.ledger.move(seq, state=state)
        played.rooms.touch(RUN)
        await played.voice.until_seq(seq)
        await played.rests.pass_one()
    room = f"migration:{MIGRATION}"
    told = [(event, cast("Any", document).seq) for to, event, document in played.voice.said if to == room]
    assert told == [
        ("migration:progress", 2),
        ("migration:progress", 3),
        ("migration:status", 3),
        ("migration:progress", 4),
        ("migration:status", 4),
        ("migration:completed", 4),
        ("migration:progress", 5),
    ]


async def test_every_event_is_json_in_camel_case(played: Played) -> None:
    played.ledger.move(2, state=RunState.COMPLETED)
    await played.join("one")
    for _, event, document in played.voice.said:
        found = msgspec.json.decode(msgspec.json.encode(document))
        assert found["migrationId"] == str(MIGRATION), event
        assert found["seq"] == 2
        assert not any("_" in name for name in found)
