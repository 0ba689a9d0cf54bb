"""A batch of source rows becomes target rows, refused rows with every reason, filtered keys and counted warnings."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import polars as pl
import pyarrow as pa

from services.transformer.encode import encode_binary, encode_csv
from services.transformer.hashing import joined_bytes, reference_bytes, reference_texts, uuid_bytes, uuid_texts
from services.transformer.statements import Answer, RunValues, Statements
from services.transformer.sums import Fates, sent_sums, unread_sums
from shared.core.errors import RunError
from shared.core.keys import key_uuid
from shared.core.states import Encoding
from shared.messages.data import LoadBody, Reason, RefusedRow, Warned
from shared.plan.compiled import CheckEffect, CompiledMapping, PlaceholderRow, RowCheck, TransformProgram

EXPRESSION_FAILED = Reason(code="expression")
ROW_TOO_LARGE = Reason(code="row_too_large")
KEY_BYTES = 16


class Engine:
    """Transforms batches. Safe to use from several worker threads."""

    def __init__(self) -> None:
        self._statements = Statements()

    def close(self) -> None:
        """Give the connections back; no batch may be in work."""
        self._statements.close()

    def transform(self, mapping: CompiledMapping, source: pl.DataFrame, values: RunValues) -> LoadBody:
        """The load of one batch. Takes CPU: call it in a worker thread. Raises RunError, BatchError."""
        program = mapping.transform
        answer = self._statements.run(program, source, values)
        names, legacy, keys = _keys(answer.rows, values)
        failed = self._failed(mapping, source, answer, values)
        _distinct(mapping.name, names, failed)
        verdicts = _verdicts(program, answer.rows)
        rows, loaded_keys = answer.rows, keys
        if not verdicts.loaded.all():
            chosen = verdicts.loaded.to_arrow()
            rows, loaded_keys, legacy_loaded = rows.filter(chosen), keys.filter(chosen), legacy.filter(verdicts.loaded)
        else:
            legacy_loaded = legacy
        return LoadBody(
            rows=_encoded(program, rows, loaded_keys, values),
            row_count=rows.num_rows,
            target_keys=joined_bytes(loaded_keys),
            legacy_keys=tuple(legacy_loaded.to_list()),
            refused=(*_refused(mapping, answer, source, legacy, keys, verdicts), *failed),
            filtered_keys=joined_bytes(keys.filter(verdicts.filtered.to_arrow())),
            warned=tuple(_warned(program.checks, answer.rows, verdicts)),
            placeholders={row.mapping: _placeholder_key(row, values) for row in mapping.load.placeholders},
            filtered_legacy_keys=tuple(legacy.filter(verdicts.filtered).to_list()) if values.comparing else (),
            sums=sent_sums(mapping, answer, source, verdicts) if mapping.load.proof_sums else (),
        )

    def refuse_size(self, mapping: CompiledMapping, source: pl.DataFrame, values: RunValues) -> LoadBody:
        """The load of a batch of rows that have no more than their keys: all are refused for their size."""
        _, legacy, keys = _keys(self._statements.keys(mapping.transform, source), values)
        parts = [part.name for part in mapping.source.key]
        rows = source.select(pl.col(name).alias(f"key.{name}") for name in parts).iter_rows(named=True)
        refused = (
            RefusedRow(legacy_key=text, target_key=key, reasons=(ROW_TOO_LARGE,), row=msgspec.json.encode(row))
            for text, key, row in zip(legacy.to_list(), keys.to_pylist(), rows, strict=True)
        )
        return LoadBody(
            rows=b"",
            row_count=0,
            target_keys=b"",
            legacy_keys=(),
            refused=tuple(refused),
            sums=unread_sums(mapping, source.height),
        )

    def _failed(
        self, mapping: CompiledMapping, source: pl.DataFrame, answer: Answer, values: RunValues
    ) -> tuple[RefusedRow, ...]:
        """Rows that the statement itself failed for."""
        if not answer.failed:
            return ()
        rows = source[list(answer.failed)]
        _, legacy, keys = _keys(self._statements.keys(mapping.transform, rows), values)
        return tuple(
            RefusedRow(legacy_key=text, target_key=key, reasons=(EXPRESSION_FAILED,), row=row)
            for text, key, row in zip(legacy.to_list(), keys.to_pylist(), source_rows(mapping, rows), strict=True)
        )


def _keys(rows: pa.Table, values: RunValues) -> tuple[pl.Series, pl.Series, pa.Array]:
    """Names, legacy keys and 16-byte UUIDs of the rows. Raises RunError for a key that is NULL."""
    names, legacy = pl.Series(pl.from_arrow(rows["name"])), pl.Series(pl.from_arrow(rows["legacy"]))
    if names.null_count():
        raise RunError("a part of a key is NULL", code="key_null")
    return names, legacy, uuid_bytes(uuid_texts(rows["name"], values.namespace))


def _distinct(mapping: str, names: pl.Series, failed: tuple[RefusedRow, ...]) -> None:
    """A repeated key means that a join multiplies rows."""
    if names.n_unique() != len(names) or len({row.target_key for row in failed}) != len(failed):
        raise RunError(
            f"a key of mapping {mapping} comes twice in a batch: a join multiplies rows", code="key_repeated"
        )


def _verdicts(program: TransformProgram, rows: pa.Table) -> Fates:
    nothing = pl.repeat(False, rows.num_rows, dtype=pl.Boolean, eager=True)  # noqa: FBT003 - a value, no option
    filtered = (~pl.Series(pl.from_arrow(rows["kept"]))).fill_null(False) if program.filters else nothing  # noqa: FBT003 - the same
    refused = nothing
    for check in program.checks:
        if check.effect is CheckEffect.REFUSE:
            flags = _booleans(rows, check.result)
            if flags.any():
                refused = refused | flags
    refused = refused & ~filtered
    return Fates(loaded=~(refused | filtered), refused=refused, filtered=filtered)


def _encoded(program: TransformProgram, rows: pa.Table, keys: pa.Array, values: RunValues) -> bytes:
    columns: list[pa.Array | pa.ChunkedArray] = []
    csv = program.encoding is Encoding.CSV
    hashed = reference_texts if csv else reference_bytes
    for number, column in enumerate(program.target_columns):
        if column.encoder == "key":
            columns.append(uuid_texts(rows["name"], values.namespace).to_arrow() if csv else keys)
        elif f"v{number}" in program.hashed:
            columns.append(hashed(rows[f"v{number}"], values.namespace))
        else:
            columns.append(rows[f"v{number}"])
    table = pa.table(columns, names=[f"v{number}" for number in range(len(columns))])
    return encode_csv(table) if csv else encode_binary(table.combine_chunks(), program.target_columns)


def _refused(
    mapping: CompiledMapping,
    answer: Answer,
    source: pl.DataFrame,
    legacy: pl.Series,
    keys: pa.Array,
    verdicts: Fates,
) -> Iterable[RefusedRow]:
    """Refused rows with every reason; their source rows are taken from the batch by position."""
    positions = verdicts.refused.arg_true().to_list()
    if not positions:
        return
    checks = [check for check in mapping.transform.checks if check.effect is CheckEffect.REFUSE]
    flags = [(_reason(check), _booleans(answer.rows, check.result).gather(positions).to_list()) for check in checks]
    flags = [(reason, flag) for reason, flag in flags if any(flag)]
    texts, row_keys = legacy.gather(positions).to_list(), keys.take(pa.array(positions)).to_pylist()
    rows = source_rows(mapping, source[_source_positions(answer, positions)])
    for number, (text, key, row) in enumerate(zip(texts, row_keys, rows, strict=True)):
        reasons = tuple(reason for reason, flag in flags if flag[number])
        yield RefusedRow(legacy_key=text, target_key=key, reasons=reasons, row=row)


def source_rows(mapping: CompiledMapping, source: pl.DataFrame) -> list[bytes]:
    """Each row as a JSON object of `alias.column` to text."""
    names = {column.name: f"{column.alias}.{column.column}" for column in mapping.source.columns}
    keys = {part.name: f"key.{part.name}" for part in mapping.source.key}
    renamed = source.rename({**keys, **names})
    return [msgspec.json.encode(row) for row in renamed.iter_rows(named=True)]


def _source_positions(answer: Answer, positions: list[int]) -> list[int]:
    """Positions in the batch of rows of the answer, which lacks those that failed."""
    if not answer.failed:
        return positions
    failed = set(answer.failed)
    there = [position for position in range(answer.rows.num_rows + len(failed)) if position not in failed]
    return [there[position] for position in positions]


def _warned(checks: tuple[RowCheck, ...], rows: pa.Table, verdicts: Fates) -> Iterable[Warned]:
    """What is warned about, or counted only, of rows that go on to the loader."""
    for check in checks:
        if check.effect is not CheckEffect.REFUSE:
            flags = _booleans(rows, check.result)
            count = int((flags & verdicts.loaded).sum()) if flags.any() else 0
            if count:
                yield Warned(reason=_reason(check), count=count)


def _placeholder_key(row: PlaceholderRow, values: RunValues) -> bytes:
    """The key of a placeholder: the namespace is known here, and may be a secret from everybody else."""
    return key_uuid(values.namespace, row.key_name).bytes


def _reason(check: RowCheck) -> Reason:
    return Reason(code=check.reason, column=check.column)


def _booleans(rows: pa.Table, name: str) -> pl.Series:
    flags = pl.Series(pl.from_arrow(rows[name]), dtype=pl.Boolean)
    return flags.fill_null(False) if flags.null_count() else flags  # noqa: FBT003 - a value, no option
