"""What comparing a batch came to, row by row: a count for what is as it should be, a finding for what is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from services.loader.body import OpenedBatch, keys_of
from services.loader.verdicts import Verdicts
from shared.core.counts import Counts
from shared.core.findings import FindingKind


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is not as it should be; without a legacy key where only the key in the target is known."""

    kind: FindingKind
    target_key: bytes
    legacy_key: str | None
    columns: tuple[str, ...] = ()


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a batch's rows in the target.

    `gone` are ordinals without a row there, `differing` by ordinal the columns that differ; all other staged rows are
    equal. `unstaged` could not be staged. `there` are keys that were asked for and found, of rows that are not staged;
    `told` keys of rows that the run did not load, `left` of rows that are not to be there by now and that it left where
    an earlier run had put them. `before` are keys that the run which loaded has in quarantine, with whether another row
    was left in their place. `kept` counts rows that differ and that the plan leaves to the target; `edited` are keys of
    rows that were loaded with a person's values. `sole` if no other mapping writes rows of these keys.
    """

    gone: frozenset[int] = frozenset()
    differing: Mapping[int, tuple[str, ...]] = {}
    unstaged: frozenset[int] = frozenset()
    there: frozenset[bytes] = frozenset()
    told: frozenset[bytes] = frozenset()
    left: frozenset[bytes] = frozenset()
    before: Mapping[bytes, bool] = {}
    kept: int = 0
    edited: frozenset[bytes] = frozenset()
    sole: bool = True


class Comparison:
    """Collects the outcome of every row of a batch."""

    def __init__(self, opened: OpenedBatch) -> None:
        self._opened = opened
        self.kept = 0
        self.edited = 0
        self.left = 0
        self.findings: list[Found] = []
        self.unchanged = 0
        self.filtered = 0
        self.quarantined = 0
        self.unexplained: set[int] = set()
        """Ordinals of staged rows whose keys in the target, if there are any, are not this mapping's."""

    @property
    def counts(self) -> Counts:
        """Rows by outcome."""
        return Counts(
            read=self._opened.read_count,
            unchanged=self.unchanged,
            filtered=self.filtered,
            quarantined=self.quarantined,
            different=len(self.findings),
        )

    def find(self, kind: FindingKind, ordinal: int, columns: tuple[str, ...] = ()) -> None:
        """A staged row is not as it should be."""
        key, legacy = self._opened.target_key(ordinal), self._opened.legacy_key(ordinal)
        self.findings.append(Found(kind=kind, target_key=key, legacy_key=legacy, columns=columns))


def compare_first(opened: OpenedBatch, verdicts: Verdicts, looked: Looked) -> Comparison:
    """The outcomes of a first pass: which rows are to be in the target, and whether they are, as they should be."""
    found = Comparison(opened)
    found.kept = looked.kept
    not_equal = looked.gone | looked.differing.keys() | looked.unstaged
    found.unchanged = opened.body.row_count - len(not_equal)
    left_out = verdicts.refused.keys() | verdicts.filtered
    for ordinal in sorted(not_equal):
        key = opened.target_key(ordinal)
        if key in looked.edited and ordinal not in looked.gone:
            found.unchanged += 1
            found.edited += 1
        elif ordinal in left_out:
            is_there = key in looked.there if ordinal in looked.unstaged else ordinal not in looked.gone
            if is_there and looked.sole and key not in looked.left:
                found.find(FindingKind.UNEXPECTED, ordinal)
                continue
            if ordinal in looked.gone and looked.sole and key not in looked.told:
                found.find(FindingKind.MISSING, ordinal)  # the run loaded it, and its parent went with it
                continue
            found.left += is_there and key in looked.left
            found.unexplained.add(ordinal)
            if ordinal in verdicts.filtered:
                found.filtered += 1
            else:
                found.quarantined += 1
        elif ordinal in looked.gone:
            if key in looked.before:
                found.quarantined += 1
            else:
                found.find(FindingKind.MISSING, ordinal)
        elif looked.before.get(key, False):
            found.quarantined += 1
        else:
            found.find(FindingKind.DIFFERENT, ordinal, looked.differing[ordinal])
    _not_to_be_there(opened, looked, found)
    return found


def compare_second(opened: OpenedBatch, verdicts: Verdicts, looked: Looked) -> Comparison:
    """The outcomes of a second pass: of rows that are there, the references that had to wait."""
    found = Comparison(opened)
    places = range(1, opened.body.row_count + 1)
    told = {ordinal for ordinal in places if opened.target_key(ordinal) in looked.told} if looked.told else set()
    absent = {ordinal for ordinal in looked.unstaged if opened.target_key(ordinal) not in looked.there}
    passed_over = looked.gone | told | absent
    found.filtered = len(passed_over) + opened.filtered_count
    not_equal = (looked.differing.keys() | looked.unstaged) - passed_over
    found.unchanged = opened.body.row_count - len(passed_over) - len(not_equal)
    for ordinal in sorted(not_equal):
        if ordinal in verdicts.filtered:
            found.filtered += 1
        elif ordinal in verdicts.refused or opened.target_key(ordinal) in looked.before:
            found.quarantined += 1
        else:
            found.find(FindingKind.DIFFERENT, ordinal, looked.differing[ordinal])
    for row in opened.body.refused:
        if row.target_key in looked.there and row.target_key not in looked.told:
            found.quarantined += 1
        else:
            found.filtered += 1
    return found


def asked_for(opened: OpenedBatch, unstaged: Iterable[int], *, sole: bool) -> list[bytes]:
    """The keys that must be looked for in the target one by one: of rows that are not staged."""
    keys = [opened.target_key(ordinal) for ordinal in unstaged]
    keys += [row.target_key for row in opened.body.refused if row.target_key]
    if opened.is_second:
        return keys
    return [*keys, *keys_of(opened.body.filtered_keys)] if sole else []


def explained(opened: OpenedBatch, unexplained: Collection[int], *, sole: bool) -> bytes:
    """The keys of the batch that its mapping accounts for, 16 bytes each: no row of them is an extra one."""
    body = opened.body
    if sole:
        return b"".join((body.target_keys, body.filtered_keys, *(row.target_key for row in body.refused)))
    if not unexplained:
        return body.target_keys
    return b"".join(opened.target_key(place) for place in range(1, body.row_count + 1) if place not in unexplained)


def _not_to_be_there(opened: OpenedBatch, looked: Looked, found: Comparison) -> None:
    """Rows that the transformer refused or filtered."""
    unexpected = looked.there - looked.left
    for row in opened.body.refused:
        if row.target_key in looked.there and row.target_key in looked.edited:
            found.unchanged += 1
            found.edited += 1
        elif looked.sole and row.target_key in unexpected:
            found.findings.append(_unexpected(row.target_key, row.legacy_key))
        else:
            found.left += row.target_key in looked.left
            found.quarantined += 1
    filtered = keys_of(opened.body.filtered_keys)
    legacy: Iterable[str | None] = opened.body.filtered_legacy_keys or (None for _ in filtered)
    for key, text in zip(filtered, legacy, strict=True):
        if looked.sole and key in unexpected:
            found.findings.append(_unexpected(key, text))
        else:
            found.left += key in looked.left
            found.filtered += 1


def _unexpected(key: bytes, legacy: str | None) -> Found:
    return Found(kind=FindingKind.UNEXPECTED, target_key=key, legacy_key=legacy)
