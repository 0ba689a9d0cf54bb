"""How the figures of a run are known. What was not checked is said, and never looks like a pass."""

from __future__ import annotations

from datetime import datetime

import msgspec

from services.gateway.chain_watch import Looked
from services.gateway.documents.report import Proof, ProofState
from shared.core.findings import VerifyOutcome
from shared.core.states import MappingState, RunState
from shared.core.sums import SumState
from shared.ledger.provenance import Provenance
from shared.ledger.snapshots import RunSnapshot
from shared.ledger.verification import Verification
from shared.status.document import BalanceStatus
from shared.status.words import rows

ROW_SECURITY_OFF = "row_security_off"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the evidence is drawn from. `chain` is what is known of the audit, None where nothing is."""

    snapshot: RunSnapshot
    balance: BalanceStatus
    provenance: Provenance
    chain: Looked | None
    verification: Verification | None = None


def evidence(known: Known) -> tuple[Proof, ...]:
    """Every check there is, in the order in which a run meets them."""
    return (
        _preflight(known),
        _one_snapshot(known),
        _counted_before(known),
        _counted_while_writing(known),
        _sums(known),
        _compared(known),
        _in_order(known),
        _same_plan(known),
        _audit(known),
    )


def _preflight(known: Known) -> Proof:
    at = known.provenance.preflight_at
    return Proof(
        code="preflight",
        check="Rights, tables, columns and settings of both databases looked at before the first row moved",
        result="not recorded" if at is None else "no check failed",
        state=ProofState.NOT_CHECKED if at is None else ProofState.HOLDS,
        at=at,
    )


def _one_snapshot(known: Known) -> Proof:
    count = known.snapshot.snapshot_count
    result = {0: "no snapshot was taken", 1: "one snapshot"}.get(
        count, f"{count} snapshots were read: a differential pass is owed"
    )
    return Proof(
        code="snapshot",
        check="Every batch read in the same snapshot of the legacy database",
        result=result,
        state=ProofState.HOLDS if count == 1 else ProofState.FAILED if count > 1 else ProofState.NOT_CHECKED,
        at=known.provenance.snapshot_at,
    )


def _counted_before(known: Known) -> Proof:
    mappings = known.snapshot.mappings
    counted = [mapping for mapping in mappings if mapping.from_rows is not None and mapping.driving_rows is not None]
    equal = [mapping for mapping in counted if mapping.from_rows == mapping.counts.settled]
    names = {mapping.mapping for mapping in mappings}
    differing = {mapping.mapping for mapping in mappings if mapping not in equal}
    return Proof(
        code="counted_before",
        check="Counted in the snapshot before the first row moved, independently of the batches",
        result=f"{len(names - differing):,} of {len(names):,} mappings equal",
        state=_state(
            known, is_checked=bool(mappings) and len(counted) == len(mappings), holds=len(equal) == len(mappings)
        ),
        at=_entered(known.snapshot, RunState.RUNNING),
    )


def _counted_while_writing(known: Known) -> Proof:
    batches = known.snapshot.batches
    settled = [mapping.settled_at for mapping in known.snapshot.mappings if mapping.settled_at is not None]
    return Proof(
        code="counted_while_writing",
        check="Counted in the transactions that wrote the rows: rows and ledger entry in the same one",
        result=f"{batches.settled:,} of {batches.total:,} batches settled",
        state=_state(
            known,
            is_checked=bool(known.snapshot.mappings),
            holds=batches.settled == batches.total and known.balance.unaccounted == 0,
        ),
        at=max(settled, default=None),
    )


def _sums(known: Known) -> Proof:
    found = [one.state for mapping in known.snapshot.mappings for one in mapping.sums]
    counts = [(found.count(state), words) for state, words in SUM_WORDS.items() if found.count(state)]
    told = ", ".join(f"{count:,} {words}" for count, words in counts)
    return Proof(
        code="sums",
        check="Money summed by the legacy server, by what was sent and in the target, each exactly",
        result=told or "not checked: the plan names no sum, or the run has not finished",
        state=ProofState.FAILED
        if SumState.DIFFERS in found
        else ProofState.HOLDS
        if SumState.AGREES in found
        else ProofState.NOT_CHECKED,
        at=known.snapshot.finished_at if found else None,
    )


SUM_WORDS = {
    SumState.AGREES: "columns agree to the last digit",
    SumState.DIFFERS: "columns differ",
    SumState.NOT_COMPARABLE: "columns are not comparable",
}


def _compared(known: Known) -> Proof:
    found, check = known.verification, "All rows read again, computed again and compared in the target"
    if found is None or found.outcome is VerifyOutcome.NOT_CHECKED:
        return Proof(
            code="compared", check=check, result="not checked: no verify was run", state=ProofState.NOT_CHECKED
        )
    checked = sum(mapping.checked for mapping in found.mappings)
    sampled = f", a sample of {found.sample:.0%}" if found.sample is not None else ""
    results = {
        VerifyOutcome.EQUAL: (f"{rows(checked)} as they should be{sampled}", ProofState.HOLDS),
        VerifyOutcome.DIFFERENT: (f"{rows(found.differences)} of {checked:,} differ{sampled}", ProofState.FAILED),
        VerifyOutcome.COULD_NOT_VERIFY: (f"{rows(checked)} compared, not all could be", ProofState.NOT_CHECKED),
    }
    result, state = results[found.outcome]
    return Proof(code="compared", check=check, result=result, state=state, at=found.finished_at)


def _in_order(known: Known) -> Proof:
    open_tables = sum(notice.code == ROW_SECURITY_OFF for notice in known.snapshot.notices)
    done = known.snapshot.state is RunState.COMPLETED
    guarded = f"row security is off on {open_tables:,} of its tables" if open_tables else "row security on every table"
    return Proof(
        code="target_in_order",
        check="Sequences past their maxima, triggers as they were, statistics taken, row security looked at",
        result=f"done; {guarded}" if done else "not done: the run did not finish",
        state=ProofState.NOT_CHECKED if not done else ProofState.FAILED if open_tables else ProofState.HOLDS,
        at=known.snapshot.finished_at if done else None,
    )


def _same_plan(known: Known) -> Proof:
    name, version = known.snapshot.plan_name, known.snapshot.plan_version
    planned = any(mapping.state is not MappingState.PLANNED for mapping in known.snapshot.mappings)
    return Proof(
        code="same_plan",
        check="One plan and one version of Transfuse throughout; the schemas looked at whenever a snapshot was taken",
        result=f"{name} version {version}, Transfuse {known.provenance.transfuse_version}",
        state=ProofState.HOLDS if planned else ProofState.NOT_CHECKED,
        at=known.snapshot.finished_at,
    )


def _audit(known: Known) -> Proof:
    looked = known.chain
    check = "Audit: each entry chained to the one before it, recomputed"
    if looked is None:
        return Proof(code="audit", check=check, result="not checked yet", state=ProofState.NOT_CHECKED)
    whole = looked.verification.whole
    return Proof(
        code="audit",
        check=check,
        result=f"chain whole, {looked.count:,} entries" if whole else f"chain broken after entry {looked.count:,}",
        state=ProofState.HOLDS if whole else ProofState.FAILED,
        at=looked.checked_at,
    )


def sentence(known: Known, otherwise: str) -> str:
    """The balance in words; `otherwise` where it is not final or does not hold."""
    balance, counts = known.balance, known.balance.counts
    if not balance.balanced or balance.unaccounted != 0 or not balance.mappings:
        return otherwise
    parts = [
        (counts.loaded, "loaded"),
        (counts.updated, "updated"),
        (counts.unchanged, "found unchanged"),
        (counts.merged, "merged with another record"),
        (counts.filtered, "left out by rules of the plan"),
        (counts.deleted, "deleted"),
        (counts.different, "found different"),
    ]
    told = [f"{count:,} {words}" for count, words in parts if count or words == "loaded"]
    excluded = sum(account.excluded or 0 for account in balance.mappings if account.pass_number == 1)
    left_out = f" The plan's joins left out {rows(excluded)} of driving tables before." if excluded else ""
    waiting = f"{rows(counts.quarantined)} {'waits' if counts.quarantined == 1 else 'wait'} in quarantine"
    return (
        f"{rows(balance.in_snapshot)} {'was' if balance.in_snapshot == 1 else 'were'} in the legacy snapshot and every "
        f"one is accounted for: {', '.join(told)}; {waiting}. None is unaccounted.{left_out}"
    )


def _state(known: Known, *, is_checked: bool, holds: bool) -> ProofState:
    """While a run moves nothing has failed yet, nor has what a person ended before it was done."""
    cancelled = known.snapshot.state is RunState.CANCELLED and not known.balance.unaccounted
    if not is_checked or (not holds and (cancelled or not known.snapshot.is_final)):
        return ProofState.NOT_CHECKED
    return ProofState.HOLDS if holds else ProofState.FAILED


def _entered(snapshot: RunSnapshot, state: RunState) -> datetime | None:
    return next((phase.started_at for phase in snapshot.phases if phase.state is state), None)
