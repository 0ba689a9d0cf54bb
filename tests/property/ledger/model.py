"""What the ledger must say of one run, whatever is done to it: a model that is small enough to be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from shared.core.ids import BatchRef
from shared.core.states import BatchState, RunState
from shared.ledger.settling import Claim
from tests.ledgers.ledger import ROWS, PlannedMapping

WINDOW = 3
MOST_ATTEMPTS = 3
MAPPINGS = (
    PlannedMapping(name="doctors", batches=3),
    PlannedMapping(name="patients", batches=4, depends_on=("doctors",)),
    PlannedMapping(name="users", batches=3, in_seq_order=True),
    PlannedMapping(name="codes", batches=0, depends_on=("users",)),
    PlannedMapping(name="visits", batches=2, depends_on=("patients", "codes")),
)
BY_NAME = {mapping.name: mapping for mapping in MAPPINGS}
OVER = frozenset({RunState.FAILED, RunState.CANCELLED})
Key = tuple[str, int]


def key_of(ref: BatchRef) -> Key:
    """A batch without its generation."""
    return ref.mapping, ref.seq


class Model:
    """States, generations and rows of every batch. A new generation makes every message of the one before worthless."""

    def __init__(self) -> None:
        keys = [(mapping.name, seq) for mapping in MAPPINGS for seq in range(1, mapping.batches + 1)]
        self.states = dict.fromkeys(keys, BatchState.PLANNED)
        self.generations = dict.fromkeys(keys, 1)
        self.rows = dict.fromkeys(keys, ROWS)
        self.quarantined: Counter[Key] = Counter()
        self.attempts: Counter[Key] = Counter()
        self.run_state = RunState.RUNNING

    @property
    def settled_rows(self) -> int:
        """Rows of settled batches."""
        return sum(self.rows[key] for key, state in self.states.items() if state is BatchState.SETTLED)

    def claim(self, ref: BatchRef) -> Claim:
        """What a loader must hear that brings a message while nobody else acts."""
        state = self.states[key_of(ref)]
        if self.run_state in OVER or self.generations[key_of(ref)] != ref.generation or state is BatchState.FAILED:
            return Claim.DROPPED
        return Claim.SETTLED if state is BatchState.SETTLED else Claim.CLAIMED

    def settle(self, ref: BatchRef, quarantined: int = 0) -> None:
        """A loader committed."""
        assert self.claim(ref) is Claim.CLAIMED
        self.states[key_of(ref)] = BatchState.SETTLED
        self.quarantined[key_of(ref)] = quarantined

    def issue(self, refs: list[BatchRef]) -> None:
        """A dispatcher issued batches: as many as there is room for, none twice, none that has to wait."""
        startable = {key for key, state in self.states.items() if state is BatchState.PLANNED and self.is_ready(key)}
        in_flight = sum(state is BatchState.DISPATCHED for state in self.states.values())
        keys = [key_of(ref) for ref in refs]
        assert len(set(keys)) == len(keys), "a batch was issued twice"
        if self.run_state is not RunState.RUNNING:
            assert not keys, f"issued while {self.run_state}"
        assert set(keys) <= startable
        assert in_flight + len(keys) <= max(WINDOW, in_flight)
        if self.run_state is RunState.RUNNING and in_flight < WINDOW and startable:
            assert keys, "nothing was issued though there is room and work"
        self.check_generations(refs)
        for key in keys:
            self.states[key] = BatchState.DISPATCHED
        self._follow_run()

    def check_generations(self, refs: Iterable[BatchRef]) -> None:
        """Whatever is issued is of the ledger's generation."""
        for ref in refs:
            assert ref.generation == self.generations[key_of(ref)]

    def fail(self, ref: BatchRef) -> BatchState | None:
        """An attempt failed; what the ledger must say of the batch, None where nobody asked for that attempt."""
        key = key_of(ref)
        if self.states[key] is not BatchState.DISPATCHED or self.generations[key] != ref.generation:
            return None
        self.attempts[key] += 1
        found = BatchState.FAILED if self.attempts[key] == MOST_ATTEMPTS else BatchState.PLANNED
        self.states[key] = found
        return found

    def can_split(self, ref: BatchRef) -> bool:
        """Whether the batch of a message may become two."""
        key = key_of(ref)
        return self.states[key] is BatchState.DISPATCHED and self.generations[key] == ref.generation

    def split(self, ref: BatchRef) -> None:
        """The batch became two, both open."""
        key = key_of(ref)
        second = ref.mapping, 1 + max(seq for name, seq in self.states if name == ref.mapping)
        self.generations[key] += 1
        self.generations[second] = 1
        self.rows[second] = self.rows[key] // 2
        self.rows[key] -= self.rows[second]
        self.states[key] = self.states[second] = BatchState.PLANNED

    def resume(self, following: RunState) -> None:
        """Somebody resumed the run: what was open or failed is open again."""
        self.run_state = following
        for key, state in self.states.items():
            if state is BatchState.FAILED:
                self.attempts[key] = 0
            if state is not BatchState.SETTLED:
                self.states[key] = BatchState.PLANNED

    def take_snapshot(self) -> None:
        """The extractor took a new snapshot: what is open will be read from that one."""
        self.run_state = RunState.RUNNING
        for key in self._open():
            self.generations[key] += 1
            self.attempts[key] = 0

    def is_ready(self, key: Key) -> bool:
        """Whether a batch may be issued: what its rows refer to is there, and in order the ones before are."""
        mapping = BY_NAME[key[0]]
        own = {seq: state for (name, seq), state in self.states.items() if name == mapping.name}
        if BatchState.FAILED in own.values():
            return False
        if mapping.in_seq_order and any(state is not BatchState.SETTLED for seq, state in own.items() if seq < key[1]):
            return False
        return all(self._is_complete(parent) for parent in mapping.depends_on)

    def _is_complete(self, name: str) -> bool:
        """Whether a mapping and all it stands on is complete."""
        settled = all(state is BatchState.SETTLED for key, state in self.states.items() if key[0] == name)
        return settled and all(self._is_complete(parent) for parent in BY_NAME[name].depends_on)

    def _open(self) -> list[Key]:
        return [key for key, state in self.states.items() if state is not BatchState.SETTLED]

    def _follow_run(self) -> None:
        """A tick ends a run in which nothing can go on."""
        if self.run_state is not RunState.RUNNING:
            return
        states = set(self.states.values())
        if states == {BatchState.SETTLED}:
            self.run_state = RunState.FINISHING
        elif BatchState.FAILED in states and BatchState.DISPATCHED not in states and not self._can_go_on():
            self.run_state = RunState.FAILED

    def _can_go_on(self) -> bool:
        return any(self.is_ready(key) for key in self._open() if self.states[key] is BatchState.PLANNED)
