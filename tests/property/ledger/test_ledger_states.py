"""The ledger against a model: whatever happens, every row is settled once and nothing after a cancel."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.core.ids import BatchRef
from shared.core.states import BatchState, RunState
from shared.ledger.dispatch import Dispatch, Turn
from shared.ledger.reports import report_attempt_failed
from shared.ledger.settling import Claim
from tests.ledgers.ledger import ROWS, Ledger, PlannedMapping, batches, made_database, opened_ledger

T = TypeVar("T")
WINDOW = 3
MAPPINGS = (
    PlannedMapping(name="doctors", batches=3),
    PlannedMapping(name="patients", batches=4, depends_on=("doctors",)),
    PlannedMapping(name="users", batches=3, in_seq_order=True),
    PlannedMapping(name="codes", batches=0, depends_on=("users",)),
    PlannedMapping(name="visits", batches=2, depends_on=("patients", "codes")),
)
BY_NAME = {mapping.name: mapping for mapping in MAPPINGS}
Key = tuple[str, int]


class LedgerStates(RuleBasedStateMachine):
    """Dispatchers, services and people act on one run; the model says what must have come of it."""

    ledger: Ledger
    run_async: Callable[[Awaitable[object]], object]

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[Key, BatchState] = {
            (mapping.name, seq): BatchState.PLANNED for mapping in MAPPINGS for seq in range(1, mapping.batches + 1)
        }
        self.attempts: Counter[Key] = Counter()
        self.messages: list[BatchRef] = []
        self.run_state = RunState.RUNNING

    def wait(self, work: Awaitable[T]) -> T:
        """Do some of the ledger's work."""
        return type(self).run_async(work)  # type: ignore[return-value]

    @initialize()
    def plan(self) -> None:
        """A planned run of a migration of its own."""
        self.run_id = self.wait(self.ledger.running(*MAPPINGS, migration=f"migration {id(self)}"))

    # What dispatchers do.

    @rule(dispatchers=st.integers(1, 3))
    def tick(self, dispatchers: int) -> None:
        """One or more dispatchers look at the ledger at once."""

        async def all_at_once() -> list[Turn]:
            return await asyncio.gather(*(self.dispatch().tick() for _ in range(dispatchers)))

        self.issue([ref for turn in self.wait(all_at_once()) for ref in batches(turn) if ref.run == self.run_id])

    def issue(self, refs: list[BatchRef]) -> None:
        """Take over what was issued, if it may be."""
        startable = {key for key, state in self.states.items() if state is BatchState.PLANNED and self.ready(key)}
        in_flight = sum(state is BatchState.DISPATCHED for state in self.states.values())
        keys = [(ref.mapping, ref.seq) for ref in refs]
        assert len(set(keys)) == len(keys), "a batch was issued twice"
        if self.run_state is not RunState.RUNNING:
            assert not keys, f"issued while {self.run_state}"
        assert set(keys) <= startable
        assert in_flight + len(keys) <= max(WINDOW, in_flight)
        if self.run_state is RunState.RUNNING and in_flight < WINDOW and startable:
            assert keys, "nothing was issued though there is room and work"
        for key in keys:
            self.states[key] = BatchState.DISPATCHED
        self.messages.extend(refs)
        self.follow_run()

    def dispatch(self, *, lost_seconds: float = 3600) -> Dispatch:
        """A dispatcher that has just started."""
        return self.ledger.dispatch(window=WINDOW, lost_seconds=lost_seconds, lost_factor=0, overtaken_windows=100)

    def ready(self, key: Key) -> bool:
        """Whether the model lets a batch be issued."""
        mapping = BY_NAME[key[0]]
        own = {seq: state for (name, seq), state in self.states.items() if name == mapping.name}
        if BatchState.FAILED in own.values():
            return False
        if mapping.in_seq_order and any(state is not BatchState.SETTLED for seq, state in own.items() if seq < key[1]):
            return False
        return all(self.is_complete(parent) for parent in mapping.depends_on)

    def is_complete(self, name: str) -> bool:
        """Whether a mapping and all it stands on is complete."""
        settled = all(state is BatchState.SETTLED for key, state in self.states.items() if key[0] == name)
        return settled and all(self.is_complete(parent) for parent in BY_NAME[name].depends_on)

    def follow_run(self) -> None:
        """A tick ends a run in which nothing can go on."""
        if self.run_state is not RunState.RUNNING:
            return
        states = set(self.states.values())
        if states == {BatchState.SETTLED}:
            self.run_state = RunState.FINISHING
        elif BatchState.FAILED in states and BatchState.DISPATCHED not in states:
            planned = [key for key, state in self.states.items() if state is BatchState.PLANNED]
            if not any(self.ready(key) for key in planned):
                self.run_state = RunState.FAILED

    @precondition(lambda self: self.run_state is RunState.RUNNING)
    @rule()
    def lose_everything(self) -> None:
        """All queues are lost; the dispatcher finds out and issues again what is open."""
        self.messages.clear()
        refs = [ref for ref in batches(self.wait(self.dispatch(lost_seconds=0).tick())) if ref.run == self.run_id]
        lost = {key for key, state in self.states.items() if state is BatchState.DISPATCHED}
        again = [ref for ref in refs if (ref.mapping, ref.seq) in lost]
        assert {(ref.mapping, ref.seq) for ref in again} == lost
        self.messages.extend(again)
        self.issue([ref for ref in refs if ref not in again])

    # What services do.

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), keep=st.booleans())
    def settle(self, data: st.DataObject, *, keep: bool) -> None:
        """A loader gets a message, perhaps not for the last time."""
        ref = self.take(data, keep=keep)
        key = (ref.mapping, ref.seq)
        claim = self.wait(self.ledger.settle(ref))
        if self.run_state in {RunState.CANCELLED, RunState.FAILED}:
            assert claim is Claim.DROPPED
        elif self.states[key] is BatchState.SETTLED:
            assert claim is Claim.SETTLED
        elif self.states[key] is BatchState.FAILED:
            assert claim is Claim.DROPPED
        else:
            assert claim is Claim.CLAIMED
            self.states[key] = BatchState.SETTLED

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def settle_twice_at_once(self, data: st.DataObject) -> None:
        """Two loaders get the same message."""
        ref = self.take(data, keep=False)

        async def both() -> list[Claim]:
            return list(await asyncio.gather(self.ledger.settle(ref), self.ledger.settle(ref)))

        claims = self.wait(both())
        assert claims.count(Claim.CLAIMED) <= 1
        if Claim.CLAIMED in claims:
            assert self.run_state not in {RunState.CANCELLED, RunState.FAILED}
            assert self.states[ref.mapping, ref.seq] in {BatchState.PLANNED, BatchState.DISPATCHED}
            self.states[ref.mapping, ref.seq] = BatchState.SETTLED

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), keep=st.booleans(), worn=st.booleans())
    def fail(self, data: st.DataObject, *, keep: bool, worn: bool) -> None:
        """An attempt fails and is reported; of a worn batch it is the third."""
        ref = self.take(data, keep=keep)
        key = (ref.mapping, ref.seq)
        if worn and self.states[key] is BatchState.DISPATCHED:
            self.attempts[key] = 2
            sql = "update transfuse.batch set attempts = 2 where run_id = $1 and mapping = $2 and seq = $3"
            self.wait(self.ledger.connection.execute(sql, self.run_id, *key))
        found = self.wait(report_attempt_failed(self.ledger.connection, ref, "timeout", backoff_seconds=0))
        if self.states[key] is not BatchState.DISPATCHED:
            assert found is None
            return
        self.attempts[key] += 1
        assert found is (BatchState.FAILED if self.attempts[key] == 3 else BatchState.PLANNED)
        assert found is not None
        self.states[key] = found

    def take(self, data: st.DataObject, *, keep: bool) -> BatchRef:
        """One message; the bus may deliver it again."""
        ref = data.draw(st.sampled_from(self.messages))
        if not keep:
            self.messages.remove(ref)
        return ref

    # What people do.

    @precondition(lambda self: self.run_state in {RunState.RUNNING, RunState.PAUSED})
    @rule()
    def pause(self) -> None:
        """Somebody pauses the run."""
        self.run_state = self.wait(self.ledger.runs.pause(self.run_id, actor="tester"))
        assert self.run_state is RunState.PAUSED

    @precondition(lambda self: self.run_state in {RunState.RUNNING, RunState.PAUSED, RunState.FAILED})
    @rule()
    def resume(self) -> None:
        """Somebody resumes it; if it needs a new snapshot, the extractor takes one."""
        state = self.wait(self.ledger.runs.resume(self.run_id, actor="tester"))
        if state is RunState.PLANNING:
            assert self.run_state is RunState.FAILED
            sql = "update transfuse.run set state = 'running', snapshot = 'a new one' where id = $1"
            self.wait(self.ledger.connection.execute(sql, self.run_id))
        self.run_state = RunState.RUNNING
        for key, batch_state in self.states.items():
            if batch_state is BatchState.FAILED:
                self.attempts[key] = 0
            if batch_state is not BatchState.SETTLED:
                self.states[key] = BatchState.PLANNED

    @precondition(lambda self: self.run_state not in {RunState.FAILED, RunState.CANCELLED})
    @rule(sure=st.integers(0, 9))
    def cancel(self, sure: int) -> None:
        """Seldom, somebody cancels it."""
        if sure == 0:
            self.run_state = self.wait(self.ledger.runs.cancel(self.run_id, actor="tester"))
            assert self.run_state is RunState.CANCELLED

    # What must hold at any time.

    @invariant()
    def the_ledger_is_as_the_model_says(self) -> None:
        """States, counts and the balance of every batch."""
        if not hasattr(self, "run_id"):
            return
        assert self.wait(self.ledger.batch_states(self.run_id)) == self.states
        assert self.wait(self.ledger.state(self.run_id)) == self.run_state
        snapshot = self.wait(self.ledger.progress.read(self.run_id))
        settled = sum(state is BatchState.SETTLED for state in self.states.values())
        assert snapshot.counts.read == snapshot.counts.settled == settled * ROWS

    def teardown(self) -> None:
        """Whatever happened, a run that was not cancelled can be brought to its end, balanced."""
        if not hasattr(self, "run_id") or self.run_state is RunState.CANCELLED:
            return
        if self.run_state is not RunState.FINISHING:
            self.resume()
        while self.run_state is RunState.RUNNING:
            self.tick(1)
            for ref in self.messages:
                if self.wait(self.ledger.settle(ref)) is Claim.CLAIMED:
                    self.states[ref.mapping, ref.seq] = BatchState.SETTLED
            self.messages.clear()
        assert self.run_state is RunState.FINISHING
        assert all(balance.balances for balance in self.wait(self.ledger.progress.balance(self.run_id)))
        self.wait(self.ledger.runs.cancel(self.run_id, actor="tester"))


@contextmanager
def one_ledger(server_url: str) -> Iterator[type[LedgerStates]]:
    """The machine, with a ledger and a loop for all of its examples."""
    with asyncio.Runner() as runner:
        database = made_database(server_url)
        opened = opened_ledger(runner.run(database.__aenter__()))

        class Machine(LedgerStates):
            ledger = runner.run(opened.__aenter__())
            run_async = staticmethod(lambda work: runner.run(_awaited(work)))

        try:
            yield Machine
        finally:
            runner.run(opened.__aexit__(None, None, None))
            runner.run(database.__aexit__(None, None, None))


async def _awaited(work: Awaitable[T]) -> T:
    return await work


@pytest.mark.timeout(300)
def test_every_row_is_settled_once_and_nothing_after_a_cancel(postgres_server: str) -> None:
    with one_ledger(postgres_server) as machine:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=25,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
