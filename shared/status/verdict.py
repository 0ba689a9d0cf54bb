"""The sentence that stands before every number: what is true of a run now, and whether somebody is needed.

The first rule that has something to say wins. Its words hold counts, names of mappings and systems, and our own texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

import msgspec

from shared.core.counts import Counts
from shared.core.states import LoadMode, MappingState, RunKind, RunState
from shared.ledger.snapshots import FindingCounts, RunSnapshot
from shared.status import words
from shared.status.document import BalanceStatus, Ground, ProgressStatus, StageStatus, Verdict
from shared.status.eta import rates

STILL_SECONDS = 60.0
UNREACHABLE_SECONDS = 120.0
SLOW_SECONDS = 300.0
SLOW_SHARE = 0.5
SYSTEM_NAMES = MappingProxyType(
    {
        "legacy": "the legacy database",
        "ledger": "the ledger",
        "target": "the target",
        "bus": "RabbitMQ",
        "redis": "Redis",
    }
)
NEEDED = frozenset({"legacy", "ledger", "target", "bus"})
"""Systems without which no batch settles."""
WITHOUT_ROWS = MappingProxyType(
    {
        RunKind.VALIDATE: ("The preflight is under way.", "The preflight is done and nothing stops a run."),
        RunKind.CLEANUP: ("Bulk details of older runs are removed.", "The cleanup is done."),
        RunKind.HEALTH_CHECK: ("Every system is asked.", "The check is done."),
    }
)
"""Kinds of runs that move no rows: what they do, and what is true when they have."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict is given on. `away` names the systems that a service cannot reach, by their own word."""

    snapshot: RunSnapshot
    balance: BalanceStatus
    progress: ProgressStatus
    stages: tuple[StageStatus, ...] = ()
    away: tuple[str, ...] = ()


def verdict_of(seen: Seen) -> Verdict:
    """The verdict on a run."""
    for rule in RULES:
        found = rule(seen)
        if found is not None:
            return found
    raise AssertionError("the last rule has something to say of every state")


def never_ran() -> Verdict:
    """Of a migration without a run."""
    return Verdict(
        code="never_ran",
        ground=Ground.PENDING,
        headline="Nothing has run yet.",
        detail="Run the preflight, then start.",
    )


def slowest(stages: Sequence[StageStatus]) -> str:
    """The stage that sets the pace: the busiest one; empty where none is busy."""
    busiest = max(stages, key=lambda stage: stage.busy_share, default=None)
    return busiest.stage if busiest is not None and busiest.busy_share > 0 else ""


def _unaccounted(seen: Seen) -> Verdict | None:
    lost = seen.balance.unaccounted
    if lost:
        are = "is" if lost == 1 else "are"
        touched = [account.mapping for account in seen.balance.mappings if account.unaccounted]
        return Verdict(
            code="unaccounted",
            ground=Ground.FAILED,
            headline=f"{words.rows(lost).capitalize()} {are} unaccounted.",
            detail=f"The run is not complete. Look at {words.listed(list(dict.fromkeys(touched)))}.",
            figures={"unaccounted": lost},
        )
    if lost is None and seen.snapshot.state is RunState.COMPLETED:
        return Verdict(
            code="not_counted",
            ground=Ground.FAILED,
            headline="It is unknown whether every row arrived.",
            detail="A mapping was not counted in the snapshot, so that nothing proves its balance.",
        )
    return None


def _failed(seen: Seen) -> Verdict | None:
    snapshot = seen.snapshot
    if snapshot.state is not RunState.FAILED:
        return None
    headline, what = words.sentence(snapshot.message), "What is settled stays."
    if snapshot.reason == "plan_refused":
        # Its message is a list of places, and a place is no beginning of a sentence.
        headline, what = "The plan has errors.", snapshot.message
    return Verdict(
        code=snapshot.reason or "failed",
        ground=Ground.FAILED,
        headline=headline or "The run failed.",
        detail=f"{what} {words.sentence(snapshot.remedy)}".strip(),
        figures={"percentage": seen.progress.percentage},
    )


def _paused(seen: Seen) -> Verdict | None:
    snapshot = seen.snapshot
    if snapshot.state is not RunState.PAUSED or snapshot.reason == "quarantine_limit":
        return None
    seconds = (snapshot.read_at - snapshot.moved_at).total_seconds()
    figures: dict[str, int | float] = {"pausedSeconds": round(max(seconds, 0))}
    if snapshot.reason == "asked":
        who = snapshot.asked_by or "a person"
        return Verdict(
            code="paused",
            ground=Ground.PAUSED,
            headline=f"Paused by {who} {words.duration(seconds)} ago.",
            detail="What is settled stays. Resume the run to go on.",
            figures=figures,
        )
    return Verdict(
        code=snapshot.reason or "paused",
        ground=Ground.PAUSED,
        headline=words.sentence(snapshot.message) or "The run is paused.",
        detail=f"What is settled stays. {words.sentence(snapshot.remedy)}".strip(),
        figures=figures,
    )


def _beyond_limit(seen: Seen) -> Verdict | None:
    snapshot = seen.snapshot
    over = [
        mapping
        for mapping in snapshot.mappings
        if mapping.state is MappingState.PAUSED and mapping.reason == "quarantine_limit"
    ]
    if snapshot.is_final or not (over or snapshot.reason == "quarantine_limit"):
        return None
    read = sum(mapping.counts.read for mapping in over)
    quarantined = sum(mapping.counts.quarantined for mapping in over)
    told = " ".join(f"{mapping.mapping}: {words.sentence(mapping.message)}" for mapping in over)
    return Verdict(
        code="quarantine_limit",
        ground=Ground.QUARANTINED,
        headline="More rows are refused than the plan allows.",
        detail=f"{told} Look at their reasons; a resume accepts them.".strip(),
        figures={
            "quarantined": quarantined,
            "perMillion": round(1_000_000 * quarantined / read) if read else 0,
        },
    )


def _still(seen: Seen) -> Verdict | None:
    snapshot = seen.snapshot
    if snapshot.state is not RunState.RUNNING or not snapshot.phases:
        return None
    settled = [mapping.settled_at for mapping in snapshot.mappings if mapping.settled_at is not None]
    since = max(snapshot.phases[-1].started_at, *settled) if settled else snapshot.phases[-1].started_at
    seconds = (snapshot.read_at - since).total_seconds()
    if seconds < STILL_SECONDS:
        return None
    needed = [name for name in seen.away if name in NEEDED]
    if needed and seconds >= UNREACHABLE_SECONDS:
        return _unreachable(needed, seconds)
    away = [SYSTEM_NAMES.get(name, name) for name in seen.away]
    verb = "does not answer" if len(away) == 1 else "do not answer"
    keeps = "the ledger keeps the place"
    why = words.sentence(f"{words.listed(away)} {verb}; {keeps}" if away else keeps)
    return Verdict(
        code="nothing_settled",
        ground=Ground.ATTENTION,
        headline=f"Nothing has settled for {words.duration(seconds)}.",
        detail=why,
        figures={"seconds": round(seconds)},
    )


def _unreachable(away: Sequence[str], seconds: float) -> Verdict:
    """Of a run that waits for the world: nobody paused it, and nobody has to resume it."""
    # The ledger lies in the target, and what is lost first is what is named.
    first = "target" if "ledger" in away else away[0]
    names = dict.fromkeys(["target" if name == "ledger" else name for name in away])
    answer = words.listed([SYSTEM_NAMES[name] for name in names]) + (" answers" if len(names) == 1 else " answer")
    return Verdict(
        code=f"{first}_unreachable",
        ground=Ground.PAUSED,
        headline=f"Paused: {SYSTEM_NAMES[first].removeprefix('the ')} unreachable.",
        detail=f"Nothing has settled for {words.duration(seconds)}. The run goes on by itself as soon as {answer}.",
        figures={"seconds": round(seconds)},
    )


def _slow(seen: Seen) -> Verdict | None:
    snapshot = seen.snapshot
    pace = snapshot.pace
    steps = int(SLOW_SECONDS // pace.interval_seconds)
    average = average_rate(snapshot)
    # Of a run that moves for less than twice as long the average would be that of the slow minutes themselves.
    if snapshot.state is not RunState.RUNNING or len(pace.rows) < 2 * steps or average <= 0:
        return None
    late = msgspec.structs.replace(pace, rows=pace.rows[-steps:])
    if max(rates(late)) >= SLOW_SHARE * average:
        return None
    now = sum(late.rows) / SLOW_SECONDS
    stage = slowest(seen.stages)
    return Verdict(
        code="slow",
        ground=Ground.ATTENTION,
        headline="Slower than usual.",
        detail=f"{round(now):,} rows/s" + (f"; {stage} sets the pace." if stage else "."),
        figures={"rowsPerSecond": round(now, 1), "averageRowsPerSecond": round(average, 1)},
    )


def _without_rows(seen: Seen) -> Verdict | None:
    """Of a run that moves no rows: there is nothing to balance."""
    kind, state = seen.snapshot.kind, seen.snapshot.state
    if is_dry(seen) or kind not in WITHOUT_ROWS or state in {RunState.PENDING, RunState.CANCELLING, RunState.CANCELLED}:
        return None
    going_on, done = WITHOUT_ROWS[kind]
    if state is RunState.COMPLETED:
        return Verdict(code="done", ground=Ground.COMPLETED, headline=done)
    return Verdict(code="at_work", ground=Ground.PLANNING, headline="Nothing needs you.", detail=going_on)


def is_dry(seen: Seen) -> bool:
    """Whether the run writes nothing to the target."""
    return seen.snapshot.mode is LoadMode.CHECK


def _dry_run(seen: Seen) -> Verdict | None:
    if not is_dry(seen) or seen.snapshot.state is not RunState.COMPLETED:
        return None
    read, refused = seen.balance.counts.read, seen.snapshot.waiting
    would = f" {words.rows(refused)} would be refused." if refused else ""
    return Verdict(
        code="dry_run",
        ground=Ground.COMPLETED,
        headline="A dry run: nothing was written.",
        detail=f"{words.rows(read)} tried, none unaccounted.{would} See the report of its validation.",
        figures={"read": read, "quarantined": refused, "unaccounted": 0},
    )


def _verified(seen: Seen) -> Verdict | None:
    """Of a verify that came to its end: whether what it found is nothing."""
    if seen.snapshot.kind is not RunKind.VERIFY or seen.snapshot.state is not RunState.COMPLETED:
        return None
    read, found = seen.balance.counts.read, seen.snapshot.findings or FindingCounts()
    different = found.differences
    told = [
        f"{words.rows(read)} compared, {f'{different:,} are not as they should be' if different else 'none differs'}."
    ]
    if found.changed:
        told.append(f"The source of {words.rows(found.changed)} has changed since.")
    if found.not_checked:
        told.append(f"{words.rows(found.not_checked)} were not checked.")
    return Verdict(
        code="verified",
        ground=Ground.FAILED if different else Ground.ATTENTION if found.changed else Ground.COMPLETED,
        headline="The target is not what the plan makes of its source."
        if different
        else "The target was compared with its source.",
        detail=" ".join([*told, "See what the verify found."]),
        figures={"read": read, "different": different, "changed": found.changed, "notChecked": found.not_checked},
    )


def _undone(seen: Seen) -> Verdict | None:
    """Of an undo that came to its end: what it took back, and what it left."""
    if seen.snapshot.kind is not RunKind.UNDO or seen.snapshot.state is not RunState.COMPLETED:
        return None
    counts = sum((mapping.counts for mapping in seen.snapshot.mappings), Counts())
    gone, back = words.rows(counts.deleted), words.rows(counts.updated)
    stayed = f" {words.rows(counts.unchanged)} stayed as they were; see the warnings." if counts.unchanged else ""
    return Verdict(
        code="undone",
        ground=Ground.ATTENTION if counts.unchanged else Ground.COMPLETED,
        headline="The run was taken back.",
        detail=f"{gone} removed, {back} put back, none unaccounted.{stayed}",
        figures={"deleted": counts.deleted, "updated": counts.updated, "unchanged": counts.unchanged},
    )


def _completed(seen: Seen) -> Verdict | None:
    if seen.snapshot.state is not RunState.COMPLETED:
        return None
    counts, quarantined = seen.balance.counts, seen.snapshot.waiting
    waiting = f" {words.rows(quarantined)} {_wait(quarantined)} in quarantine." if quarantined else ""
    twice = " More than one snapshot was read: a differential pass is owed." if seen.snapshot.snapshot_count > 1 else ""
    return Verdict(
        code="balanced",
        ground=Ground.COMPLETED,
        headline="Every row is accounted for.",
        detail=f"{words.rows(counts.read)} read, none unaccounted.{waiting}{twice}",
        figures={"read": counts.read, "quarantined": quarantined, "unaccounted": 0},
    )


def _otherwise(seen: Seen) -> Verdict | None:
    quarantined = seen.snapshot.waiting
    waiting = (
        f" {words.rows(quarantined)} {_wait(quarantined)} in quarantine; they do not hold up the run."
        if quarantined
        else ""
    )
    match seen.snapshot.state:
        case RunState.PENDING:
            return Verdict(code="pending", ground=Ground.PENDING, headline="The run is about to start.")
        case RunState.PLANNING:
            return Verdict(
                code="planning",
                ground=Ground.PLANNING,
                headline="Nothing needs you.",
                detail="The plan is checked and the rows are counted.",
            )
        case RunState.FINISHING:
            detail = "All rows are settled; the target is put in order." + waiting
            return Verdict(code="finishing", ground=Ground.COMPLETED, headline="Nothing needs you.", detail=detail)
        case RunState.CANCELLING:
            detail = "Batches in hand end first; no other one is begun."
            return Verdict(
                code="cancelling", ground=Ground.CANCELLED, headline="The run is being cancelled.", detail=detail
            )
        case RunState.CANCELLED:
            # Not every settled row is in the target: some are filtered, some in quarantine.
            settled = words.rows(seen.progress.current)
            stays = "of a dry run nothing stays" if is_dry(seen) else "what was written stays in the target"
            detail = f"{settled} had settled; {stays}." if seen.progress.current else ""
            return Verdict(code="cancelled", ground=Ground.CANCELLED, headline="The run was cancelled.", detail=detail)
        case _:
            detail = "Rows move at the usual pace." + waiting
            return Verdict(code="running", ground=Ground.COMPLETED, headline="Nothing needs you.", detail=detail)


def average_rate(snapshot: RunSnapshot) -> float:
    """Rows a second over all the time that the run moved."""
    moved = sum(
        ((phase.ended_at or snapshot.read_at) - phase.started_at).total_seconds()
        for phase in snapshot.phases
        if phase.state is RunState.RUNNING
    )
    return snapshot.work_done / moved if moved > 0 else 0.0


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


RULES: tuple[Callable[[Seen], Verdict | None], ...] = (
    _unaccounted,
    _failed,
    _paused,
    _without_rows,
    _beyond_limit,
    _still,
    _slow,
    _dry_run,
    _verified,
    _undone,
    _completed,
    _otherwise,
)
"""In the order in which they are asked."""
