"""Where every row is: the balance so far, what is under way, and what nothing explains."""

from __future__ import annotations

from shared.core.counts import Counts
from shared.core.states import MappingState, RunState
from shared.ledger.snapshots import MappingSnapshot, RunSnapshot
from shared.status.document import BalanceStatus, MappingAccount


def balance_of(snapshot: RunSnapshot) -> BalanceStatus:
    """The balance of a run at this moment. Totals are of first passes: a second one writes to rows counted already."""
    accounts = tuple(_account(snapshot, mapping) for mapping in snapshot.mappings)
    first = [mapping for mapping in snapshot.mappings if mapping.pass_number == 1]
    unknown = any(account.unaccounted is None for account in accounts)
    return BalanceStatus(
        balanced=snapshot.state is RunState.COMPLETED and all(account.balanced for account in accounts),
        in_snapshot=sum(mapping.from_rows or 0 for mapping in first),
        counts=sum((mapping.counts for mapping in first), Counts()),
        in_flight=sum(in_flight(snapshot, mapping) for mapping in first),
        not_read=sum(not_read(snapshot, mapping) for mapping in first),
        unaccounted=None if unknown else sum(account.unaccounted or 0 for account in accounts),
        mappings=accounts,
    )


def in_flight(snapshot: RunSnapshot, mapping: MappingSnapshot) -> int:
    """About how many rows are in dispatched batches: their share of the open batches, of the rows not settled."""
    going_on = not snapshot.is_final and mapping.batches.dispatched
    if not going_on:
        return 0
    open_batches = mapping.batches.dispatched + mapping.batches.planned
    return _open_rows(mapping) * mapping.batches.dispatched // open_batches


def not_read(snapshot: RunSnapshot, mapping: MappingSnapshot) -> int:
    """Rows that are neither settled nor in flight and still to come; none once the mapping is complete."""
    if _is_over(snapshot, mapping):
        return 0
    return _open_rows(mapping) - in_flight(snapshot, mapping)


def _account(snapshot: RunSnapshot, mapping: MappingSnapshot) -> MappingAccount:
    balance = mapping.balance
    counted = mapping.driving_rows is not None and mapping.from_rows is not None
    return MappingAccount(
        mapping=mapping.mapping,
        pass_number=mapping.pass_number,
        driving=mapping.driving_rows,
        excluded=balance.excluded if counted else None,
        in_snapshot=mapping.from_rows,
        counts=mapping.counts,
        unaccounted=_unaccounted(snapshot, mapping),
        balanced=balance.balances,
    )


def _unaccounted(snapshot: RunSnapshot, mapping: MappingSnapshot) -> int | None:
    """Rows that no outcome explains, or outcomes that no row explains. While batches are open only the second kind."""
    settled, read = mapping.counts.settled, mapping.counts.read
    if mapping.driving_rows is None or mapping.from_rows is None:
        return None if _is_over(snapshot, mapping) else abs(read - settled)
    multiplied = max(mapping.from_rows - mapping.driving_rows, 0)
    if _is_over(snapshot, mapping):
        return max(abs(mapping.from_rows - settled), abs(mapping.from_rows - read)) + multiplied
    return max(abs(read - settled), settled - mapping.from_rows, 0) + multiplied


def _is_over(snapshot: RunSnapshot, mapping: MappingSnapshot) -> bool:
    return mapping.state is MappingState.COMPLETE or snapshot.state is RunState.COMPLETED


def _open_rows(mapping: MappingSnapshot) -> int:
    return max((mapping.from_rows or 0) - mapping.counts.settled, 0)
