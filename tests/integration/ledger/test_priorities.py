"""Which of several runs is served when places get free."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shared.core.ids import BatchRef
from shared.ledger.dispatch import Dispatch
from tests.ledgers.ledger import Ledger, PlannedMapping, batches


async def served(ledger: Ledger, dispatch: Dispatch, names: dict[UUID, str]) -> str:
    """The runs whose batches are issued now, a letter for each batch; all of them settle."""
    refs = batches(await dispatch.tick())
    await settle(ledger, refs)
    return "".join(names[ref.run] for ref in refs)


async def settle(ledger: Ledger, refs: Sequence[BatchRef]) -> None:
    for ref in refs:
        await ledger.settle(ref)


async def runs(ledger: Ledger, count: int, **priorities: int) -> dict[UUID, str]:
    """A running run for each letter, with so many batches."""
    mapping = PlannedMapping(name="patients", batches=count)
    return {await ledger.running(mapping, migration=name, priority=at): name for name, at in priorities.items()}


async def test_places_go_to_the_highest_priority_that_has_batches_to_issue(ledger: Ledger) -> None:
    names = await runs(ledger, 3, a=1, b=5, c=10, d=15)
    dispatch = ledger.dispatch(window=2, total_window=2)
    turns = [await served(ledger, dispatch, names) for _ in range(8)]
    assert turns == ["dd", "dc", "cc", "bb", "ba", "aa", "", ""]


async def test_a_run_of_higher_priority_gets_the_next_place_that_is_free_however_many_batches_others_have(
    ledger: Ledger,
) -> None:
    names = await runs(ledger, 50, a=5)
    dispatch = ledger.dispatch(window=4, total_window=4)
    first = batches(await dispatch.tick())
    assert len(first) == 4
    names |= await runs(ledger, 50, b=10)
    assert batches(await dispatch.tick()) == [], "what is in flight is not taken back"
    await settle(ledger, first[:1])
    assert [names[ref.run] for ref in batches(await dispatch.tick())] == ["b"]
    await settle(ledger, first[1:])
    assert [names[ref.run] for ref in batches(await dispatch.tick())] == ["b", "b", "b"]


async def test_runs_of_equal_priority_take_turns_also_with_a_single_place(ledger: Ledger) -> None:
    names = await runs(ledger, 50, a=5, b=5, c=5)
    dispatch = ledger.dispatch(window=1, total_window=1)
    assert "".join([await served(ledger, dispatch, names) for _ in range(9)]) == "abcabcabc"


async def test_a_run_that_has_nothing_to_issue_loses_no_turn_and_costs_none(ledger: Ledger) -> None:
    names = await runs(ledger, 50, a=5, b=5)
    names |= await runs(ledger, 1, c=5)
    dispatch = ledger.dispatch(window=1, total_window=1)
    assert "".join([await served(ledger, dispatch, names) for _ in range(7)]) == "abcabab"


async def test_two_dispatchers_keep_priorities_and_turns_between_them(ledger: Ledger) -> None:
    names = await runs(ledger, 50, a=5, b=5, z=1)
    dispatchers = [ledger.dispatch(window=1, total_window=1) for _ in range(2)]
    assert "".join([await served(ledger, dispatchers[turn % 2], names) for turn in range(8)]) == "abababab"


async def test_a_paused_run_gives_its_places_to_others_at_once(ledger: Ledger) -> None:
    names = await runs(ledger, 50, a=15, b=1)
    dispatch = ledger.dispatch(window=4, total_window=4)
    assert len(batches(await dispatch.tick())) == 4
    (high,) = [run for run, name in names.items() if name == "a"]
    await ledger.runs.pause(high, actor="tester")
    assert [names[ref.run] for ref in batches(await dispatch.tick())] == ["b"] * 4
