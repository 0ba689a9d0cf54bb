"""A comparison as the ledger keeps it: counts, keys that are accounted for, the first rows that are not right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from uuid import uuid4

from services.loader.comparison import Comparison, Found, explained
from services.loader.conflicts import CHANGED_IN_TARGET
from services.loader.load import Load
from shared.crypto.aad import manifest_aad, row_aad
from shared.ledger.findings import Finding, Sort
from shared.ledger.settling import Manifest, Settlement
from shared.messages.data import Reason, Warned

EDITED = "edited"
LEFT_IN_TARGET = "left_in_target"
"""A row that the plan refuses or filters by now, in the place where an earlier run had put it."""
MOST_KEPT = 1000
"""Findings of a batch that are kept one by one; the others are counted."""


def make_comparison_settlement(load: Load, comparison: Comparison, *, sole: bool) -> Settlement:
    """What settles the batch. CPU work for a thread.

    Its manifest has no written rows: `unchanged` are the keys that the batch accounts for, `filtered` those of the
    placeholders that its rows may refer to.
    """
    opened, key = load.opened, load.run.key
    aad = manifest_aad(opened.batch)
    accounted = b"" if opened.is_second else explained(opened, comparison.unexplained, sole=sole)
    placeholders = b"".join(opened.body.placeholders.values())
    return Settlement(
        batch=opened.batch,
        counts=comparison.counts,
        warned=tuple(
            Warned(reason=Reason(code=code), count=count)
            for code, count in (
                (CHANGED_IN_TARGET, comparison.kept),
                (EDITED, comparison.edited),
                (LEFT_IN_TARGET, comparison.left),
            )
            if count
        ),
        manifest=Manifest(
            written=key.seal(b"", aad),
            unchanged=key.seal(accounted, aad),
            filtered=key.seal(placeholders, aad),
            quarantined=key.seal(b"", aad),
            updated=key.seal(b"", aad),
        ),
        quarantined=(),
        compared=True,
    )


def make_findings(load: Load, found: Sequence[Found], changed: Collection[str] | None) -> list[Finding]:
    """The first of a batch's findings, their legacy keys sealed. CPU work for a thread."""
    run, key = load.opened.batch.run, load.run.key
    made = []
    for one in found[:MOST_KEPT]:
        finding_id = uuid4()
        legacy = one.legacy_key
        made.append(
            Finding(
                id=finding_id,
                kind=one.kind,
                columns=one.columns,
                target_key=one.target_key,
                sealed_key=None if legacy is None else key.seal(legacy.encode(), row_aad(run, finding_id)),
                source_changed=None if changed is None or legacy is None else legacy in changed,
            )
        )
    return made


def sorts_of(found: Sequence[Found], changed: Collection[str] | None) -> Counter[Sort]:
    """All findings of a batch counted: rows, and rows by column that differs."""
    counted: Counter[Sort] = Counter()
    for one in found:
        is_changed = changed is not None and one.legacy_key is not None and one.legacy_key in changed
        for column in ("", *one.columns):
            counted[Sort(kind=one.kind, column=column, source_changed=is_changed)] += 1
    return counted
