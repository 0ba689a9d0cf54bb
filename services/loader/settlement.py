"""The settlement of a batch, sealed: counts, manifest, quarantined rows. CPU work for a thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import uuid4

import msgspec

from services.loader.body import OpenedBatch
from services.loader.sums import settled_sums
from services.loader.verdicts import Verdicts
from shared.core.counts import Counts
from shared.core.redaction import Masked, mask
from shared.core.states import Brought, Stage
from shared.crypto.aad import manifest_aad, row_aad
from shared.crypto.envelope import RunKey
from shared.ledger.former import seal_former, seal_placeholders
from shared.ledger.proofs import seal_sums
from shared.ledger.settling import Manifest, QuarantinedRow, Settlement
from shared.messages.data import Reason, RefusedRow, Warned
from shared.plan.compiled import LoadProgram


def make_settlement(opened: OpenedBatch, verdicts: Verdicts, program: LoadProgram, key: RunKey) -> Settlement:
    """What the ledger keeps of a batch whose rows without a verdict were written."""
    counts = _counts(opened, verdicts)
    return Settlement(
        batch=opened.batch,
        counts=counts,
        warned=(*_warned(opened, verdicts), *_brought_in(program, counts)),
        manifest=_manifest(opened, verdicts, program, key),
        quarantined=(
            *(_from_transformer(opened, row, key) for row in _refused_before(opened, verdicts)),
            *_from_target(opened, verdicts, program, key),
        ),
    )


def _counts(opened: OpenedBatch, verdicts: Verdicts) -> Counts:
    updated = len(verdicts.updated - verdicts.judged)
    return Counts(
        read=opened.read_count,
        loaded=opened.body.row_count - len(verdicts.judged) - updated,
        updated=updated,
        unchanged=len(verdicts.unchanged),
        filtered=opened.filtered_count + len(verdicts.filtered) + len(verdicts.passed_over),
        quarantined=len(opened.body.refused) - len(verdicts.passed_over) + len(verdicts.refused),
    )


def _refused_before(opened: OpenedBatch, verdicts: Verdicts) -> list[RefusedRow]:
    """The rows that the transformer refused, without those that a patch passes over."""
    return [row for place, row in enumerate(opened.body.refused) if place not in verdicts.passed_over]


def _warned(opened: OpenedBatch, verdicts: Verdicts) -> tuple[Warned, ...]:
    return (
        *opened.body.warned,
        *(Warned(reason=reason, count=count) for reason, count in sorted(verdicts.warned.items(), key=_name)),
    )


def _brought_in(program: LoadProgram, counts: Counts) -> Iterator[Warned]:
    """What every row that was written got from the plan or the target, by column; an update takes no default."""
    for one in program.brought_in:
        count = counts.loaded + (0 if one.kind is Brought.DEFAULT else counts.updated)
        if count:
            yield Warned(reason=Reason(code=one.kind, column=one.column), count=count)


def _name(warned: tuple[Reason, int]) -> tuple[str, str]:
    return warned[0].code, warned[0].column


def _manifest(opened: OpenedBatch, verdicts: Verdicts, program: LoadProgram, key: RunKey) -> Manifest:
    aad = manifest_aad(opened.batch)
    taken = verdicts.judged | verdicts.updated

    def keys(ordinals: Iterable[int]) -> bytes:
        return b"".join(opened.target_key(ordinal) for ordinal in sorted(ordinals))

    written = opened.body.target_keys if not taken else keys(set(range(1, opened.body.row_count + 1)) - taken)
    refused = b"".join(row.target_key for row in _refused_before(opened, verdicts))
    passed_over = b"".join(opened.body.refused[place].target_key for place in sorted(verdicts.passed_over))
    return Manifest(
        written=key.seal(written, aad),
        unchanged=key.seal(keys(verdicts.unchanged), aad),
        filtered=key.seal(opened.body.filtered_keys + keys(verdicts.filtered) + passed_over, aad),
        quarantined=key.seal(refused + keys(verdicts.refused), aad),
        updated=key.seal(keys(verdicts.updated - verdicts.judged), aad),
        former=seal_former(verdicts.former, key, opened.batch),
        placeholders=seal_placeholders(verdicts.placeholders, key, opened.batch),
        sums=seal_sums(settled_sums(opened, verdicts, program), key, opened.batch),
    )


def _from_transformer(opened: OpenedBatch, row: RefusedRow, key: RunKey) -> QuarantinedRow:
    return _sealed(opened, row, key, stage=Stage.TRANSFORM, clear=frozenset())


def _from_target(
    opened: OpenedBatch, verdicts: Verdicts, program: LoadProgram, key: RunKey
) -> Iterator[QuarantinedRow]:
    clear = frozenset(program.clear)
    for ordinal, reasons in sorted(verdicts.refused.items()):
        row = RefusedRow(
            legacy_key=opened.legacy_key(ordinal),
            target_key=opened.target_key(ordinal),
            reasons=tuple(reasons),
            row=verdicts.texts[ordinal],
        )
        waits_for = verdicts.waits_for.get(ordinal, "")
        yield _sealed(opened, row, key, stage=Stage.LOAD, clear=clear, waits_for=waits_for)


def _sealed(
    opened: OpenedBatch,
    row: RefusedRow,
    key: RunKey,
    *,
    stage: Stage,
    clear: frozenset[str],
    waits_for: str = "",
) -> QuarantinedRow:
    row_id = uuid4()
    aad = row_aad(opened.batch.run, row_id)
    return QuarantinedRow(
        id=row_id,
        stage=stage,
        reasons=row.reasons,
        target_key=row.target_key,
        sealed_key=key.seal(row.legacy_key.encode(), aad),
        sealed_row=key.seal(row.row, aad),
        masked=masked_row(row.row, clear),
        waits_for=waits_for,
    )


def masked_row(text: bytes, clear: frozenset[str]) -> dict[str, Masked | str | None]:
    """Kind and length of each column of a row's JSON; columns that the plan declares clear, as they are.

    A text with NUL, for which alone a row may be here, is masked even there: jsonb cannot hold it.
    """
    row = msgspec.json.decode(text)
    if not isinstance(row, dict):
        return {}
    return {name: value if name in clear and "\0" not in (value or "") else mask(value) for name, value in row.items()}
