"""The last cast of a column: to exactly what its encoder takes, with a reason for every value that does not fit.

Nothing arrives changed: a cast that rounds, cuts or overflows is a failure of the row, found by casting back.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from shared.plan.encoders import Encoder, Shape
from shared.postgres.identifiers import literal

Checks = list[tuple[str, str]]
"""Reasons and the SQL that is true where a value has them."""

INTEGERS = ("TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "BIGINT", "UBIGINT", "HUGEINT")
FLOATS = frozenset({"FLOAT", "DOUBLE"})
MOMENTS = frozenset({Shape.DATE, Shape.TIMESTAMP, Shape.TIMESTAMPTZ})
READERS = {Shape.DATE: "read_date", Shape.TIMESTAMP: "read_timestamp", Shape.TIMESTAMPTZ: "read_timestamptz"}
OLDEST = {
    Shape.DATE: "DATE '4714-11-24 (BC)'",
    Shape.TIMESTAMP: "TIMESTAMP '4714-11-24 (BC) 00:00:00'",
    Shape.TIMESTAMPTZ: "TIMESTAMPTZ '4714-11-24 (BC) 00:00:00+00'",
}
BRACKETS = ("[]", "STRUCT", "MAP", "UNION")


class LastCast(msgspec.Struct, frozen=True, kw_only=True):
    """`sql` gives the encoder's value; `checks` the reasons against it, from the name of the result."""

    sql: str
    checks: Callable[[str], Checks] = lambda _: []


def last_cast(encoder: Encoder, static: str, value: str) -> LastCast:
    """The last cast of `value`, a column of DuckDB's type `static`."""
    match encoder.shape:
        case Shape.TEXT | Shape.PADDED | Shape.ENUM:
            return _text(encoder, static, value)
        case Shape.INT2 | Shape.INT4 | Shape.INT8:
            return _integer(encoder.duck_type, static, value)
        case Shape.NUMERIC:
            return _numeric(encoder, static, value)
        case Shape.WIDE_NUMERIC:
            return _wide_numeric(encoder, static, value)
        case Shape.FLOAT4 | Shape.FLOAT8:
            return _float(encoder.duck_type, static, value)
        case Shape.JSON | Shape.JSONB:
            return _json(static, value)
        case Shape.OTHER:
            return LastCast(sql=text_of(static, value))
        case _:
            return _typed(encoder, static, value)


def text_of(static: str, value: str) -> str:
    """SQL of the text that PostgreSQL reads as the same value."""
    if static == "VARCHAR":
        return value
    if static == "DATE":
        return f"date_text({value})"
    if static.startswith("TIMESTAMP"):
        return f"timestamp_text({value})"
    if static == "BLOB":
        return f"bytes_text({value})"
    if static.endswith("[]"):
        return f"array_text({value})"
    if static.startswith(("STRUCT", "MAP", "UNION")):
        return f"CAST(to_json({value}) AS VARCHAR)"
    return f"CAST({value} AS VARCHAR)"


def moment_checks(encoder: Encoder, result: str) -> Checks:
    """What a binary date or timestamp cannot carry: infinity, and what lies before PostgreSQL's first day."""
    if encoder.shape not in MOMENTS:
        return []
    return [
        ("infinity", f"isinf({result})"),
        ("out_of_range", f"isfinite({result}) AND {result} < {OLDEST[encoder.shape]}"),
    ]


def fraction_checks(encoder: Encoder, result: str) -> Checks:
    """Digits of a second that the column would round away."""
    if encoder.fraction >= 6:
        return []
    finite = f"isfinite({result}) AND " if encoder.shape in MOMENTS else ""
    return [("lossy_number", f"{finite}microsecond({result}) % {10 ** (6 - encoder.fraction)} <> 0")]


def _missing(value: str, result: str) -> str:
    return f"{value} IS NOT NULL AND {result} IS NULL"


def _changed(static: str, value: str, result: str) -> str:
    return f"{result} IS NOT NULL AND TRY_CAST({result} AS {static}) IS DISTINCT FROM {value}"


def _text(encoder: Encoder, static: str, value: str) -> LastCast:
    def checks(result: str) -> Checks:
        if encoder.shape is Shape.ENUM:
            labels = ", ".join(literal(label) for label in encoder.labels)
            return [("not_a_label", f"{result} NOT IN ({labels})")]
        if not encoder.length:
            return []
        counted = f"rtrim({result}, ' ')" if encoder.shape is Shape.PADDED else result
        return [("too_long", f"length({counted}) > {encoder.length}")]

    return LastCast(sql=text_of(static, value), checks=checks)


def _integer(wanted: str, static: str, value: str) -> LastCast:
    if static in INTEGERS:
        if INTEGERS.index(static) <= INTEGERS.index(wanted):
            return LastCast(sql=value if static == wanted else f"CAST({value} AS {wanted})")
        return LastCast(
            sql=f"TRY_CAST({value} AS {wanted})", checks=lambda result: [("out_of_range", _missing(value, result))]
        )
    if static == "VARCHAR":
        return LastCast(
            sql=f"CASE WHEN is_whole({value}) THEN TRY_CAST({value} AS {wanted}) END",
            checks=lambda result: [
                ("cast", f"{result} IS NULL AND NOT is_number({value})"),
                ("lossy_number", f"{result} IS NULL AND is_number({value}) AND NOT is_whole({value})"),
                ("out_of_range", f"{result} IS NULL AND is_whole({value})"),
            ],
        )
    return _converted(wanted, static, value, "out_of_range", "lossy_number")


def _numeric(encoder: Encoder, static: str, value: str) -> LastCast:
    wanted = encoder.duck_type
    if static == wanted:
        return LastCast(sql=value)
    if static == "VARCHAR":
        scale = encoder.digits[1] if encoder.digits else 0
        return LastCast(
            sql=f"CASE WHEN is_number({value}) THEN TRY_CAST({value} AS {wanted}) END",
            checks=lambda result: [
                ("cast", f"{result} IS NULL AND NOT is_number({value})"),
                ("out_of_range", f"{result} IS NULL AND is_number({value})"),
                ("lossy_number", f"{result} IS NOT NULL AND {_rounds(value, scale, result)}"),
            ],
        )
    return _converted(wanted, static, value, "out_of_range", "lossy_number")


def _rounds(value: str, scale: int, result: str) -> str:
    """True where a number's text has more digits after its point than `scale`, zeros at the end aside."""
    plain = rf"\s*[+-]?[0-9]*(\.[0-9]{{0,{scale}}}0*)?\s*"
    scientific = f"(contains(lower({value}), 'e') AND TRY_CAST({value} AS DOUBLE) = TRY_CAST({result} AS DOUBLE))"
    return f"NOT regexp_full_match({value}, {literal(plain)}) AND NOT {scientific}"


def _wide_numeric(encoder: Encoder, static: str, value: str) -> LastCast:
    """A numeric that travels as text: every digit as it is, checked for what the target would round."""
    text = text_of(static, value)
    scale = encoder.digits[1] if encoder.digits else None

    def checks(result: str) -> Checks:
        bad = [
            (
                "cast",
                f"NOT is_number({result}) AND lower({result}) NOT IN ('nan', 'infinity', '-infinity', 'inf', '-inf')",
            )
        ]
        if scale is None:
            return bad
        if scale < 0:
            zeros = rf"\s*[+-]?([0-9]*0{{{-scale}}}|0+)(\.0*)?\s*"
            return [
                *bad,
                ("lossy_number", f"is_number({result}) AND NOT regexp_full_match({result}, {literal(zeros)})"),
            ]
        plain = rf"\s*[+-]?[0-9]*(\.[0-9]{{0,{scale}}}0*)?\s*"
        return [*bad, ("lossy_number", f"is_number({result}) AND NOT regexp_full_match({result}, {literal(plain)})")]

    return LastCast(sql=text, checks=checks)


def _float(wanted: str, static: str, value: str) -> LastCast:
    if static == wanted:
        return LastCast(sql=value)
    if static == "FLOAT":
        return LastCast(sql=f"CAST({value} AS {wanted})")
    if static == "VARCHAR":
        return LastCast(
            sql=f"TRY_CAST({value} AS {wanted})",
            checks=lambda result: [
                ("cast", _missing(value, result)),
                ("out_of_range", f"isinf({result}) AND NOT contains(lower({value}), 'inf')"),
            ],
        )
    return _converted(wanted, static, value, "out_of_range", "lossy_number")


def _json(static: str, value: str) -> LastCast:
    text = value if static == "VARCHAR" else f"CAST({value if static == 'JSON' else f'to_json({value})'} AS VARCHAR)"
    return LastCast(sql=text, checks=lambda result: [("bad_json", f"NOT json_accepted({result})")])


def _typed(encoder: Encoder, static: str, value: str) -> LastCast:
    """Booleans, moments, UUIDs and bytes: the type itself, its text, or a cast that is the same when cast back."""
    wanted = encoder.duck_type
    if static == wanted:
        cast = LastCast(sql=value)
    elif static == "VARCHAR":
        reader = READERS.get(encoder.shape)
        sql = f"{reader}({value})" if reader else f"TRY_CAST({value} AS {wanted})"
        if encoder.shape is Shape.BYTEA:
            sql = f"read_bytes({value})"
        cast = LastCast(sql=sql, checks=lambda result: [("cast", _missing(value, result))])
    else:
        cast = _converted(wanted, static, value, "cast", "cast")
    return cast


def _converted(wanted: str, static: str, value: str, missing: str, changed: str) -> LastCast:
    return LastCast(
        sql=f"TRY_CAST({value} AS {wanted})",
        checks=lambda result: [(missing, _missing(value, result)), (changed, _changed(static, value, result))],
    )
