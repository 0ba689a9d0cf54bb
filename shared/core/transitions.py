"""Which run state may follow which. The ledger holds the same table and refuses everything else."""

from __future__ import annotations

from types import MappingProxyType

from shared.core.states import RunKind, RunState

_STOPPED = (RunState.FAILED, RunState.CANCELLING, RunState.CANCELLED)

TRANSITIONS = MappingProxyType(
    {
        RunState.PENDING: frozenset({RunState.PLANNING, RunState.RUNNING, RunState.PAUSED, *_STOPPED}),
        RunState.PLANNING: frozenset({RunState.RUNNING, RunState.PAUSED, *_STOPPED}),
        RunState.RUNNING: frozenset({RunState.PLANNING, RunState.PAUSED, RunState.FINISHING, *_STOPPED}),
        RunState.PAUSED: frozenset({RunState.PLANNING, RunState.RUNNING, *_STOPPED}),
        RunState.FINISHING: frozenset({RunState.COMPLETED, *_STOPPED}),
        RunState.FAILED: frozenset({RunState.PLANNING, RunState.RUNNING}),
        RunState.CANCELLING: frozenset({RunState.CANCELLED}),
        RunState.CANCELLED: frozenset[RunState](),
        RunState.COMPLETED: frozenset[RunState](),
    },
)

TRANSITIONS_OF_KIND = MappingProxyType(
    {
        RunKind.VALIDATE: MappingProxyType({RunState.PLANNING: frozenset({RunState.COMPLETED})}),
        RunKind.CLEANUP: MappingProxyType({RunState.RUNNING: frozenset({RunState.COMPLETED})}),
    },
)
"""What runs of one kind may do besides: those that move no rows end where they are."""

PAUSABLE = frozenset(state for state, following in TRANSITIONS.items() if RunState.PAUSED in following)
CANCELLABLE = frozenset(state for state, following in TRANSITIONS.items() if RunState.CANCELLING in following)
RESUMABLE = frozenset(
    {RunState.PLANNING, RunState.RUNNING, RunState.PAUSED, RunState.FINISHING, RunState.FAILED},
)


def may_follow(state: RunState, following: RunState, kind: RunKind = RunKind.MIGRATE) -> bool:
    """Whether a run of `kind` in `state` may enter `following`."""
    besides = TRANSITIONS_OF_KIND.get(kind)
    return following in TRANSITIONS[state] or (besides is not None and following in besides.get(state, frozenset()))
