"""Which steps are disturbed in one run together: no two of one phase, so that somebody comes by each of them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import zip_longest

import msgspec

from shared.runtime.failpoints import Action
from tests.harness.surgery import LARGE_MAPPINGS, SMALL_MAPPINGS

PHASES = {
    "removal": ("loader.before_removal", "loader.after_removal"),
    "suspension": ("loader.index_", "loader.foreign_key_", "loader.constraints_"),
    "undo": ("undo.",),
    "notice": ("notifier.",),
    "dispatch": ("gateway.before_command", "gateway.after_command", "gateway.before_change"),
    "letter": ("gateway.",),
    "split": ("extractor.before_split", "extractor.after_split"),
    "drift": ("extractor.before_pause", "extractor.after_pause"),
    "replan": ("extractor.batches_reopened", "extractor.before_snapshot_written"),
    "read": ("extract.", "extractor.before_read", "extractor.after_read", "extractor.sealed"),
    "plan": ("plan.", "extractor."),
    "transform": ("transform.", "transformer."),
    "finish": ("finish.", "loader.finish_"),
    "load": ("load.", "loader."),
}
"""By phase how its steps begin; the first phase that fits is it."""
EVERY_BATCH = frozenset({"dispatch", "read", "transform", "load"})
"""Phases that every batch goes through: one of the first is disturbed, by lot."""
SELDOM = frozenset({"gateway.before_change"})
"""Their steps that not every batch comes by."""
TOLD = "failure_told"
UNDO = "loader.undo_"
"""How steps begin that only an undo comes by: they are disturbed in one."""
FAILS_FIRST = {
    "plan": "extractor.before_plan",
    "extract": "extractor.before_read",
    "transform": "transformer.before_transform",
    "load": "loader.before_claim",
    "finish": "loader.finish_begun",
    "undo": "loader.undo_before_plan",
}
"""By stage the step that has to fail before anybody comes by those that tell of failures."""
LAST_OF_A_RUN = {"finish.before_publish": -1, "loader.finish_after_commit": 1}
"""Who fails at the second has ended the run, and nobody comes by the first any more: never both in one run."""
MOST_ATTEMPTS = 2
"""Failures of one batch, of planning or of finishing that a run survives."""


class Salvo(msgspec.Struct, frozen=True, kw_only=True):
    """Steps of one run, each with what happens there and at which passage."""

    steps: dict[str, str]
    names: tuple[str, ...]
    only: tuple[str, ...] = SMALL_MAPPINGS
    drifts: bool = False
    suspends: bool = False
    undoes: bool = False
    removes: bool = False
    has_letters: bool = False


def phase_of(name: str) -> str:
    """The phase of a step; a step of none is its own, and disturbed alone."""
    return next((phase for phase, starts in PHASES.items() if name.startswith(starts)), name)


def kills(names: Iterable[str], dice: random.Random) -> Iterator[Salvo]:
    """Every step once, and whoever comes by is killed."""
    telling, others = _parted(names)
    for ends in ("before", "after"):
        of_undos = [f"undo.{ends}_{TOLD}"]
        told = [name for name in telling if name.partition(".")[2].startswith(ends) and name not in of_undos]
        for names_told in (told, of_undos):
            fails = {FAILS_FIRST[name.partition(".")[0]]: f"{Action.RAISE}:1" for name in names_told}
            steps = {**fails, **dict.fromkeys(names_told, f"{Action.KILL}:1")}
            yield Salvo(steps=steps, names=tuple(names_told), undoes=names_told is of_undos)
    phases = _by_phase(others, dice)
    large, drift, letters = (phases.pop(name, []) for name in ("split", "drift", "letter"))
    yield _salvo(large, Action.KILL, dice, only=LARGE_MAPPINGS)
    yield _salvo(drift, Action.KILL, dice, drifts=True)
    yield _salvo(letters, Action.KILL, dice, has_letters=True)
    yield _salvo(phases.pop("suspension", []), Action.KILL, dice, suspends=True)
    yield _salvo(phases.pop("undo", []), Action.KILL, dice, undoes=True)
    yield _salvo(phases.pop("removal", []), Action.KILL, dice, removes=True)
    replans = phases.pop("replan", [])
    for column in zip_longest(*phases.values()):
        chosen = [name for name in column if name is not None]
        if replans and any(phase_of(name) == "read" for name in chosen):
            chosen.append(replans.pop())  # who reads is killed, and a snapshot is lost with it
        yield _salvo(chosen, Action.KILL, dice)
    assert not replans, "a step of a second planning was left out"


def failures(names: Iterable[str], dice: random.Random) -> Iterator[Salvo]:
    """Every step of a stage's own work once, and it fails there with what nobody expects."""
    _, others = _parted(names)
    phases = _by_phase(others, dice)
    of_batches = [name for phase in ("read", "transform", "load") for name in phases.get(phase, [])]
    finish = sorted(phases.get("finish", []), key=lambda name: LAST_OF_A_RUN.get(name, 0))
    left = [of_batches, phases.get("plan", []), finish]
    while any(left):
        chosen = [name for steps in left for name in steps[:MOST_ATTEMPTS]]
        left = [steps[MOST_ATTEMPTS:] for steps in left]
        yield _salvo([name for name in chosen if not name.endswith(".before_ack")], Action.RAISE, dice)


def _parted(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The steps that tell of failures, and the others; without those within an undo, which has tests of its own."""
    found = [name for name in names if not name.startswith(UNDO)]
    return [name for name in found if name.endswith(TOLD)], [name for name in found if not name.endswith(TOLD)]


def _by_phase(names: Iterable[str], dice: random.Random) -> dict[str, list[str]]:
    phases: dict[str, list[str]] = defaultdict(list)
    for name in names:
        phases[phase_of(name)].append(name)
    for steps in phases.values():
        dice.shuffle(steps)
    return phases


def _salvo(names: list[str], action: Action, dice: random.Random, **more: object) -> Salvo:
    often = {name for name in names if phase_of(name) in EVERY_BATCH} - SELDOM
    steps = {name: f"{action}:{dice.randint(1, 6) if name in often else 1}" for name in names}
    return msgspec.convert({"steps": steps, "names": tuple(names), **more}, Salvo)
