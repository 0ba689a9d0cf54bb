"""The ledger against a model: whatever happens, every row is settled once and nothing after a cancel."""

from __future__ import annotations

import asyncio
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
from shared.crypto.envelope import RunKey
from shared.ledger import planning
from shared.ledger.batches import split_batch
from shared.ledger.bounds import BatchBounds
from shared.ledger.dispatch import Dispatch, Turn
from shared.ledger.reports import report_attempt_failed
from shared.ledger.settling import Claim, claim_batch
from tests.ledgers.ledger import Ledger, batches, made_database, opened_ledger
from tests.ledgers.replays import quarantine, replay, waiting
from tests.property.ledger.model import BY_NAME, MAPPINGS, MOST_ATTEMPTS, OVER, WINDOW, Model, key_of

T = TypeVar("T")
KEY = RunKey(bytes(32))
HALVES = BatchBounds(upper=("1",)), BatchBounds(lower=("1",))


class LedgerStates(RuleBasedStateMachine):
    """Dispatchers, services and people act on one run; the model says what must have come of it."""

    ledger: Ledger
    run_async: Callable[[Awaitable[object]], object]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.messages: list[BatchRef] = []

    def wait(self, work: Awaitable[T]) -> T:
        """Do some of the ledger's work."""
        return type(self).run_async(work)  # type: ignore[return-value]

    @initialize()
    def plan(self) -> None:
        """A planned run of a migration of its own."""
        self.migration = f"migration {id(self)}"
        self.run_id = self.wait(self.ledger.running(*MAPPINGS, migration=self.migration))

    # What dispatchers do.

    @rule(dispatchers=st.integers(1, 3))
    def tick(self, dispatchers: int) -> None:
        """One or more dispatchers look at the ledger at once."""

        async def all_at_once() -> list[Turn]:
            return await asyncio.gather(*(self.dispatch().tick() for _ in range(dispatchers)))

        refs = [ref for turn in self.wait(all_at_once()) for ref in batches(turn) if ref.run == self.run_id]
        self.model.issue(refs)
        self.messages.extend(refs)

    def dispatch(self, *, lost_seconds: float = 3600) -> Dispatch:
        """A dispatcher that has just started."""
        return self.ledger.dispatch(window=WINDOW, lost_seconds=lost_seconds, lost_factor=0, overtaken_windows=100)

    @precondition(lambda self: self.model.run_state is RunState.RUNNING)
    @rule()
    def lose_everything(self) -> None:
        """All queues are lost; the dispatcher finds out and issues again what is open."""
        self.messages.clear()
        refs = [ref for ref in batches(self.wait(self.dispatch(lost_seconds=0).tick())) if ref.run == self.run_id]
        lost = {key for key, state in self.model.states.items() if state is BatchState.DISPATCHED}
        again = [ref for ref in refs if key_of(ref) in lost]
        assert {key_of(ref) for ref in again} == lost
        self.model.check_generations(again)
        self.model.issue([ref for ref in refs if ref not in again])
        self.messages.extend(refs)

    # What services do.

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), keep=st.booleans(), quarantined=st.integers(0, 2))
    def settle(self, data: st.DataObject, *, keep: bool, quarantined: int) -> None:
        """A loader gets a message, perhaps not for the last time."""
        ref = self.take(data, keep=keep)
        refused = min(quarantined, self.model.rows[key_of(ref)])
        claim = self.wait(self.ledger.settle(ref, rows=self.model.rows[key_of(ref)], quarantined=refused))
        assert claim is self.model.claim(ref)
        if claim is Claim.CLAIMED:
            self.model.settle(ref, refused)
            self.wait(quarantine(self.ledger, ref, refused))

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def settle_twice_at_once(self, data: st.DataObject) -> None:
        """Two loaders get the same message."""
        ref = self.take(data, keep=False)
        rows = self.model.rows[key_of(ref)]

        async def both() -> list[Claim]:
            return list(await asyncio.gather(*(self.ledger.settle(ref, rows=rows) for _ in range(2))))

        claims = self.wait(both())
        assert claims.count(Claim.CLAIMED) == (self.model.claim(ref) is Claim.CLAIMED)
        if Claim.CLAIMED in claims:
            self.model.settle(ref)

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        """A loader dies with a batch in its hands: the bus brings the message again, the ledger knows of nothing."""
        ref = self.take(data, keep=True)

        async def die() -> Claim:
            async with self.ledger.pool.acquire() as connection:
                transaction = connection.transaction()
                await transaction.start()
                claim = await claim_batch(connection, ref)
                await transaction.rollback()
                return claim

        assert self.wait(die()) is self.model.claim(ref)

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), keep=st.booleans(), worn=st.booleans())
    def fail(self, data: st.DataObject, *, keep: bool, worn: bool) -> None:
        """An attempt fails and is reported; of a worn batch it is the third."""
        ref = self.take(data, keep=keep)
        if worn and self.model.can_split(ref):
            self.model.attempts[key_of(ref)] = MOST_ATTEMPTS - 1
            sql = "update transfuse.batch set attempts = $4 where run_id = $1 and mapping = $2 and seq = $3"
            self.wait(self.ledger.connection.execute(sql, self.run_id, *key_of(ref), MOST_ATTEMPTS - 1))
        found = self.wait(report_attempt_failed(self.ledger.connection, ref, "timeout", backoff_seconds=0))
        assert found is self.model.fail(ref)

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), keep=st.booleans())
    def split(self, data: st.DataObject, *, keep: bool) -> None:
        """The extractor finds a batch too large: it becomes two, and the message is worth nothing any more."""
        ref = self.take(data, keep=keep)
        if BY_NAME[ref.mapping].in_seq_order or self.model.rows[key_of(ref)] < len(HALVES):
            return
        work = split_batch(self.ledger.connection, ref, KEY, HALVES, in_seq_order=False)
        assert self.wait(work) is self.model.can_split(ref)
        if self.model.can_split(ref):
            self.model.split(ref)

    @precondition(lambda self: self.model.run_state is RunState.PLANNING)
    @rule()
    def take_snapshot(self) -> None:
        """The extractor takes the new snapshot that a resumed run asked for."""
        self.wait(planning.reopen_batches(self.ledger.connection, self.run_id))
        sql = "update transfuse.run set state = 'running', snapshot = 'a new one', reason = '' where id = $1"
        self.wait(self.ledger.connection.execute(sql, self.run_id))
        self.model.take_snapshot()

    def take(self, data: st.DataObject, *, keep: bool) -> BatchRef:
        """One message; the bus may deliver it again."""
        ref = data.draw(st.sampled_from(self.messages))
        if not keep:
            self.messages.remove(ref)
        return ref

    # What people do.

    @precondition(lambda self: self.model.run_state in {RunState.RUNNING, RunState.PAUSED})
    @rule()
    def pause(self) -> None:
        """Somebody pauses the run."""
        self.model.run_state = self.wait(self.ledger.runs.pause(self.run_id, actor="tester"))
        assert self.model.run_state is RunState.PAUSED

    @precondition(lambda self: self.model.run_state in {RunState.RUNNING, RunState.PAUSED, RunState.FAILED})
    @rule(snapshot_lost=st.booleans())
    def resume(self, *, snapshot_lost: bool) -> None:
        """Somebody resumes it, who may know that its snapshot is gone."""
        wants = snapshot_lost or self.model.run_state is RunState.FAILED
        has_open = any(state is not BatchState.SETTLED for state in self.model.states.values())
        state = self.wait(self.ledger.runs.resume(self.run_id, actor="tester", snapshot_lost=snapshot_lost))
        assert state is (RunState.PLANNING if wants and has_open else RunState.RUNNING)
        self.model.resume(state)

    @precondition(lambda self: self.model.run_state not in OVER)
    @rule(sure=st.integers(0, 9), data=st.data())
    def cancel(self, sure: int, data: st.DataObject) -> None:
        """Seldom, somebody cancels it, perhaps while a loader settles a batch."""
        if sure:
            return
        ref = self.take(data, keep=True) if self.messages else None

        async def at_once() -> Claim | None:
            settling = None if ref is None else self.ledger.settle(ref, rows=self.model.rows[key_of(ref)])
            cancelling = self.ledger.runs.cancel(self.run_id, actor="tester")
            if settling is None:
                await cancelling
                return None
            claim, _ = await asyncio.gather(settling, cancelling)
            return claim

        if self.wait(at_once()) is Claim.CLAIMED and ref is not None:
            self.model.settle(ref)
        self.model.run_state = RunState.CANCELLED

    # What must hold at any time.

    @invariant()
    def the_ledger_is_as_the_model_says(self) -> None:
        """States, counts and the balance of every batch."""
        if not hasattr(self, "run_id"):
            return
        assert self.wait(self.ledger.batch_states(self.run_id)) == self.model.states
        assert self.wait(self.ledger.state(self.run_id)) == self.model.run_state
        snapshot = self.wait(self.ledger.progress.read(self.run_id))
        assert snapshot.counts.read == snapshot.counts.settled == self.model.settled_rows
        assert snapshot.counts.quarantined == self.model.quarantined.total()

    def teardown(self) -> None:
        """What was not cancelled can be brought to its end, balanced; its refused rows are replayed, each once."""
        if not hasattr(self, "run_id") or self.model.run_state is RunState.CANCELLED:
            return
        if self.model.run_state in {RunState.RUNNING, RunState.PAUSED, RunState.FAILED}:
            self.resume(snapshot_lost=False)
        if self.model.run_state is RunState.PLANNING:
            self.take_snapshot()
        while self.model.run_state is RunState.RUNNING:
            self.tick(1)
            for ref in self.messages:
                claim = self.wait(self.ledger.settle(ref, rows=self.model.rows[key_of(ref)]))
                assert claim is self.model.claim(ref)
                if claim is Claim.CLAIMED:
                    self.model.settle(ref)
            self.messages.clear()
        assert self.model.run_state is RunState.FINISHING
        balances = self.wait(self.ledger.progress.balance(self.run_id))
        assert all(balance.balances for balance in balances)
        sql = "update transfuse.run set state = 'completed' where id = $1"
        self.wait(self.ledger.connection.execute(sql, self.run_id))
        assert self.wait(waiting(self.ledger, self.run_id)) == self.model.quarantined.total()
        for mapping in {name for (name, _), count in self.model.quarantined.items() if count}:
            self.wait(replay(self.ledger, self.migration, self.run_id, mapping))
        assert self.wait(waiting(self.ledger, self.run_id)) == 0
        assert self.wait(self.ledger.progress.balance(self.run_id)) == balances, "a run's balance is final"


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
                max_examples=30,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
