"""A failure is a value: each bad row is refused with every reason of its own, and no other row suffers."""

from __future__ import annotations

import pytest

from services.transformer.engine import Engine
from shared.messages.data import LoadBody
from shared.plan.compiled import CompiledMapping
from shared.plan.model import Codebook, Rule, RuleElse
from shared.plan.position import PlanRefused
from tests.transforming.mappings import (
    PLACE,
    Options,
    answer,
    compiled,
    reasons,
    rows_of,
    text,
    transformed,
    warned,
)

SEX = Codebook(name="sex", position=PLACE, meanings={"M": "male", "F": "female"})
KIND = Codebook(name="kind", position=PLACE, meanings={"1": "one"}, otherwise="other", warn=True)


def one(kind: str, expression: str, source: dict[str, str] | None = None, **options: object) -> CompiledMapping:
    """A mapping of one column `v` from text columns `a` and `b`."""
    return compiled(source or {"a": "text", "b": "text"}, {"v": (kind, expression)}, Options(**options))  # type: ignore[arg-type]


def refused(body: LoadBody) -> dict[str, set[tuple[str, str]]]:
    """Reasons by legacy key."""
    return {row.legacy_key: reasons(row) for row in body.refused}


@pytest.mark.parametrize("bad", (0, 1, 10, 50, 100))
def test_no_share_of_bad_rows_fails_a_batch(engine: Engine, bad: int) -> None:
    mapping = compiled(
        {"a": "text", "n": "integer"}, {"a": ("integer", "CAST(p.a AS INTEGER)"), "b": ("integer", "p.n * p.n")}
    )
    rows = [("x", "2000000000") if number % 100 < bad else ("7", "3") for number in range(400)]
    body = transformed(engine, mapping, rows)
    assert (body.row_count, len(body.refused)) == (400 - 4 * bad, 4 * bad)
    assert all(reasons(row) == {("cast", "a"), ("expression", "b")} for row in body.refused)
    assert len(body.target_keys) == 16 * body.row_count


@pytest.mark.parametrize("place", (0, 1, 2047, 2048, 4999))
def test_a_bad_row_is_refused_wherever_it_stands(engine: Engine, place: int) -> None:
    rows = [("x" if number == place else "1", None) for number in range(5000)]
    body = transformed(engine, one("integer", "CAST(p.a AS INTEGER)"), rows)
    assert refused(body) == {str(place + 1): {("cast", "v")}}
    assert rows_of(body.refused[0]) == {"key.k0": str(place + 1), "p.a": "x", "p.b": None}
    assert body.legacy_keys == tuple(str(number + 1) for number in range(5000) if number != place)


def test_every_reason_of_a_row_is_collected(engine: Engine) -> None:
    mapping = compiled(
        {"a": "text", "b": "text", "c": "text"},
        {"a": ("date", "date_of(p.a, '%Y-%m-%d')"), "b": ("text", "codebook('sex', p.b)"), "c": ("varchar(5)", "p.c")},
        Options(codebooks=(SEX,), rules=(Rule(name="short", check=text("length(p.c) < 3")),)),
    )
    body = transformed(engine, mapping, [("tomorrow", "Z", "too long")])
    assert refused(body) == {"1": {("bad_date", "a"), ("unknown_code", "b"), ("too_long", "c"), ("rule", "short")}}


@pytest.mark.parametrize(
    ("expression", "rows", "bad"),
    (
        ("CASE WHEN p.b = 'n' THEN CAST(p.a AS INTEGER) ELSE 0 END", [("x", "n"), ("x", "t"), ("5", "n")], {"1"}),
        (
            "CASE WHEN CAST(p.b AS BOOLEAN) THEN CAST(p.a AS INTEGER) END",
            [("x", "f"), ("1", "no?"), ("x", "t")],
            {"2", "3"},
        ),
        ("if(p.b = 'n', CAST(p.a AS INTEGER), 0)", [("x", "n"), ("x", "t")], {"1"}),
        (
            "coalesce(CAST(p.a AS INTEGER), CAST(p.b AS INTEGER))",
            [("x", "1"), ("1", "x"), (None, "x"), (None, "2")],
            {"1", "3"},
        ),
        ("coalesce(TRY_CAST(p.a AS INTEGER), 0)", [("x", None)], set()),
        ("TRY(CAST(p.a AS INTEGER))", [("x", None)], set()),
        ("CAST((p.b = 'n' AND CAST(p.a AS INTEGER) > 0) AS INTEGER)", [("x", "n"), ("x", "t"), ("1", "n")], {"1"}),
        ("CAST((p.b = 'n' OR CAST(p.a AS INTEGER) > 0) AS INTEGER)", [("x", "n"), ("x", "t")], {"2"}),
        ("CASE p.b WHEN 'n' THEN 1 / 0 ELSE 2 END", [(None, "n"), (None, "t")], {"1"}),
        (
            "CASE WHEN p.b = 'n' THEN length(repeat(p.a, 2)) + CAST(p.a AS INTEGER) ELSE 2 END",
            [("x", "n"), ("x", "t")],
            {"1"},
        ),
        ("CAST(CAST(p.a AS INTEGER) AS SMALLINT)", [("x", None), ("70000", None), ("7", None)], {"1", "2"}),
    ),
)
def test_a_failure_in_a_branch_that_is_not_taken_is_none(
    engine: Engine, expression: str, rows: list[tuple[str | None, ...]], bad: set[str]
) -> None:
    body = transformed(engine, one("bigint", expression), rows)
    assert set(refused(body)) == bad
    assert body.row_count == len(rows) - len(bad)


def test_a_cast_of_text_to_an_integer_does_not_round(engine: Engine) -> None:
    rows = [("1.5", None), ("1_000", None), ("0x10", None), (" 7 ", None), ("+7", None)]
    body = transformed(engine, one("integer", "CAST(p.a AS INTEGER)"), rows)
    assert set(refused(body)) == {"1", "2", "3"}


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    (
        ("smallint", "40000", "out_of_range"),
        ("smallint", "1.5", "lossy_number"),
        ("smallint", "x", "cast"),
        ("numeric(6,2)", "1.234", "lossy_number"),
        ("numeric(6,2)", "1.1000000000000000000000000001", "lossy_number"),
        ("numeric(6,2)", "12345", "out_of_range"),
        ("numeric(6,2)", "x", "cast"),
        ("real", "1e50", "out_of_range"),
        ("double precision", "x", "cast"),
        ("varchar(5)", "abcdef", "too_long"),
        ("varchar(5)", "abcde ", "too_long"),
        ("char(3)", "abcd", "too_long"),
        ("mood", "glad", "not_a_label"),
        ("date", "2024-02-30", "cast"),
        ("date", "infinity", "infinity"),
        ("timestamptz", "-infinity", "infinity"),
        ("uuid", "x", "cast"),
        ("boolean", "maybe", "cast"),
        ("jsonb", "{", "bad_json"),
        ("jsonb", '"\\u0000"', "bad_json"),
        ("jsonb", '"\\ud800"', "bad_json"),
        ("jsonb", "NaN", "bad_json"),
        ("bytea", "plain", "cast"),
        ("numeric", "x", "cast"),
    ),
)
def test_a_value_that_does_not_fit_its_column_has_that_reason(
    engine: Engine, kind: str, value: str, reason: str
) -> None:
    body = transformed(engine, one(kind, "p.a"), [(value, None), (None, None)])
    assert refused(body) == {"1": {(reason, "v")}}


@pytest.mark.parametrize(
    ("kind", "expression", "reason"),
    (
        ("numeric(6,2)", "p.n / 3", "lossy_number"),
        ("integer", "p.n / 3", "lossy_number"),
        ("real", "CAST(p.n AS DOUBLE) / 3", "lossy_number"),
        ("smallint", "p.n * 10000", "out_of_range"),
        ("integer", "p.n * 1000000000", "expression"),
        ("double precision", "p.n / 0", "expression"),
        ("date", "CAST('2024-01-01 10:00' AS TIMESTAMP)", "cast"),
        ("uuid", "ref('doctors', p.n / 3)", "bad_reference"),
        ("uuid", "ref('doctors', p.n || 'x')", "bad_reference"),
        ("integer", "unit(p.n, 0, 5)", "out_of_range"),
    ),
)
def test_a_computed_value_that_does_not_fit_has_that_reason(
    engine: Engine, kind: str, expression: str, reason: str
) -> None:
    body = transformed(engine, one(kind, expression, {"n": "integer"}), [("10",), (None,)])
    assert refused(body).get("1") == {(reason, "v")}


def test_a_trailing_zero_or_a_padding_blank_is_no_loss(engine: Engine) -> None:
    assert (
        transformed(engine, one("numeric(6,2)", "p.a"), [("1.2300", None), ("1e2", None), ("007", None)]).row_count == 3
    )
    assert transformed(engine, one("char(3)", "p.a"), [("abc  ", None)]).row_count == 1


def test_a_value_kept_aside_is_null_and_its_original_is_packed(engine: Engine) -> None:
    mapping = compiled(
        {"a": "text", "b": "text", "c": "text"},
        {
            "one": ("date", "date_of(p.a, '%Y-%m-%d')"),
            "two": ("integer", "CAST(p.a || p.b AS INTEGER)"),
            "meta": ("jsonb", "rest()"),
        },
        Options(bad_value=("one", "two")),
    )
    rows = [('no "date"', "x", "kept"), ("2024-01-02", None, None), ("2", "5", None)]
    body = transformed(engine, mapping, rows)
    assert body.refused == ()
    assert warned(body) == {("bad_date", "one"): 2, ("cast", "two"): 1}
    found = answer(engine, mapping, rows)
    assert found["meta"].to_list() == [
        '{"c":"kept","rejected":{"one":"no \\"date\\"","two":{"a":"no \\"date\\"","b":"x"}}}',
        '{"c":null}',
        '{"c":null,"rejected":{"one":"2"}}',
    ]
    assert found["two"].to_list() == [None, None, 25]
    assert [str(value) for value in found["one"]] == ["None", "2024-01-02", "None"]


def test_a_required_column_is_never_kept_aside(engine: Engine) -> None:
    mapping = compiled(
        {"a": "text"},
        {"v": ("integer", "CAST(p.a AS INTEGER)"), "meta": ("jsonb", "rest()")},
        Options(bad_value=("v",), required=("v",)),
    )
    body = transformed(engine, mapping, [("x",), (None,), ("1",)])
    assert refused(body) == {"1": {("cast", "v")}, "2": {("required", "v")}}


def test_a_value_that_is_nulled_is_counted_and_needs_no_column_that_keeps_it(engine: Engine) -> None:
    mapping = compiled(
        {"a": "text", "b": "text"},
        {"one": ("date", "date_of(p.a, '%Y-%m-%d')"), "two": ("uuid", "ref('doctors', p.b)")},
        Options(nulled=("one", "two")),
    )
    body = transformed(engine, mapping, [("soon", "17"), ("2024-01-02", "x"), (None, None)])
    assert body.refused == ()
    assert (body.row_count, warned(body)) == (3, {("bad_date", "one"): 1, ("bad_reference", "two"): 1})


def test_a_value_that_is_nulled_leaves_no_original_beside_those_kept_aside(engine: Engine) -> None:
    mapping = compiled(
        {"a": "text"},
        {
            "one": ("date", "date_of(p.a, '%Y-%m-%d')"),
            "two": ("integer", "CAST(p.a AS INTEGER)"),
            "meta": ("jsonb", "rest()"),
        },
        Options(bad_value=("one",), nulled=("two",)),
    )
    found = answer(engine, mapping, [("x",), ("2024-01-02",)])["meta"].to_list()
    assert found == ['{"rejected":{"one":"x"}}', "{}"]


def test_a_required_column_is_never_nulled(engine: Engine) -> None:
    mapping = one("integer", "CAST(p.a AS INTEGER)", {"a": "text"}, nulled=("v",), required=("v",))
    assert refused(transformed(engine, mapping, [("x",), ("1",)])) == {"1": {("cast", "v")}}


def test_the_rest_holds_what_only_keep_and_rules_name_and_what_is_asked_for_also(engine: Engine) -> None:
    source = dict.fromkeys("abcdef", "text")
    options = Options(keep="p.a = 'x'", rules=(Rule(name="known", check=text("p.b = 'x'")),))

    def packed(rest: str) -> str:
        columns = {"v": ("text", "p.c"), "w": ("text", "concat(p.d, '!')"), "meta": ("jsonb", rest)}
        return str(answer(engine, compiled(source, columns, options), [("x", "x", "c", "d", "e", "f")])["meta"][0])

    assert packed("rest()") == '{"a":"x","b":"x","e":"e","f":"f"}'
    assert packed("rest(except := ['a', 'p.e'])") == '{"b":"x","f":"f"}'
    assert packed("rest(except := ['a', 'b', 'e'], also := ['p.d'])") == '{"d":"d","f":"f"}'
    assert packed("json_merge_patch(rest(also := 'c'), json_object('d', p.d))") == (
        '{"a":"x","b":"x","c":"c","e":"e","f":"f","d":"d"}'
    )


def test_keeping_aside_needs_a_column_that_packs(engine: Engine) -> None:
    with pytest.raises(PlanRefused, match=r"keep_aside needs a column with rest\(\).*null_it"):
        one("integer", "CAST(p.a AS INTEGER)", bad_value=("v",))


def test_keep_filters_whatever_else_fails_and_null_is_undecided(engine: Engine) -> None:
    mapping = one("integer", "CAST(p.a AS INTEGER)", {"a": "text", "k": "boolean"}, keep="p.k")
    body = transformed(engine, mapping, [("x", "f"), ("x", "t"), ("1", None), ("1", "t"), ("x", None)])
    assert refused(body) == {
        "2": {("cast", "v")},
        "3": {("undecided", "keep")},
        "5": {("cast", "v"), ("undecided", "keep")},
    }
    assert len(body.filtered_keys) == 16
    assert body.legacy_keys == ("4",)


def test_a_rule_fails_only_when_false_and_may_warn(engine: Engine) -> None:
    rules = (
        Rule(name="small", check=text("v < 10")),
        Rule(name="even", check=text("v % 2 = 0"), otherwise=RuleElse.WARN),
    )
    body = transformed(engine, one("integer", "p.n", {"n": "integer"}, rules=rules), [("11",), ("2",), ("3",), (None,)])
    assert refused(body) == {"1": {("rule", "small")}}
    assert warned(body) == {("rule", "even"): 1}


def test_an_unknown_code_with_a_policy_is_counted(engine: Engine) -> None:
    body = transformed(
        engine, one("text", "codebook('kind', p.a)", codebooks=(KIND,)), [("1", None), ("9", None), (None, None)]
    )
    assert (body.row_count, warned(body)) == (3, {("otherwise", "v"): 1, ("unknown_code", "v"): 1})


def test_a_shared_part_is_not_computed_outside_its_try(engine: Engine) -> None:
    # DuckDB's common_subexpressions would compute p.n * 2000000000 once, outside TRY, and fail the statement.
    columns = {"v": ("integer", "TRY(p.n * 2000000000)"), "w": ("integer", "TRY(p.n * 2000000000 + 1)")}
    found = answer(engine, compiled({"n": "integer"}, columns), [("5",), ("1",)])
    assert found.rows() == [(None, None), (2000000000, 2000000001)]


@pytest.mark.parametrize(
    ("expression", "bad"),
    (
        ("p.a = 5", "x"),
        ("p.a IN (1, 2)", "x"),
        ("substring(p.a, p.n, p.n) = 'x'", "-9223372036854775808"),
        ("json_object(p.a, 1) IS NOT NULL", None),
        ("regexp_matches('abc', p.a)", "("),
        ("len(list_transform(string_split(p.a, ','), lambda part: CAST(part AS INTEGER))) > 0", "1,x"),
        ("NOT p.a", "x"),
    ),
)
def test_whatever_can_throw_stands_behind_a_net(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, expression: str, bad: str | None
) -> None:
    # Without the halving that would find the row as well.
    monkeypatch.setattr("services.transformer.statements.ROW_ERRORS", ())
    mapping = one("boolean", expression, {"a": "text", "n": "bigint"})
    number = bad if bad and bad.startswith("-") else "1"
    body = transformed(engine, mapping, [(bad, number), ("1", "1")])
    assert refused(body) == {"1": {("expression", "v")}}
    assert body.legacy_keys == ("2",)


def test_what_no_net_holds_is_found_by_halving(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.plan.rewrite.may_throw", lambda node, type_of: False)
    mapping = one("integer", "p.n * 2", {"n": "integer"})
    rows = [("2000000000" if number in (3, 77) else str(number),) for number in range(100)]
    body = transformed(engine, mapping, rows)
    assert refused(body) == {"4": {("expression", "")}, "78": {("expression", "")}}
    assert body.row_count == 98
    assert rows_of(body.refused[0])["p.n"] == "2000000000"


def test_the_runs_moment_is_the_now_of_every_expression(engine: Engine) -> None:
    mapping = compiled(
        {"a": "text"}, {"at": ("timestamptz", "now()"), "day": ("date", "current_date"), "t": ("date", "today()")}
    )
    found = answer(engine, mapping, [("x",)]).to_dicts()[0]
    assert [str(value) for value in found.values()] == ["2024-05-06 07:08:09+00:00", "2024-05-06", "2024-05-06"]


def test_rest_packs_what_nothing_else_used_without_loss(engine: Engine) -> None:
    mapping = compiled(
        {
            "used": "text",
            "n": "integer",
            "b": "boolean",
            "d": "numeric(6,2)",
            "ts": "timestamptz",
            "skip": "text",
            "j": "jsonb",
        },
        {"used": ("text", "p.used"), "meta": ("jsonb", "rest(except := ['skip'])")},
    )
    row = ("u", "5", "t", "1.50", "2024-01-01 00:00:00.5+00", "s", '{"a": 1.10}')
    assert answer(engine, mapping, [row])["meta"].to_list() == [
        '{"n":5,"b":true,"d":"1.50","ts":"2024-01-01 00:00:00.5+00","j":"{\\"a\\": 1.10}"}'
    ]


@pytest.mark.parametrize(
    "expression",
    (
        "p.missing",
        "no_such_function(p.a)",
        "(SELECT 1)",
        "row_number() OVER ()",
        "CAST('x' AS INTEGER)",
        "codebook('none', p.a)",
        "1 +",
    ),
)
def test_an_expression_that_does_not_bind_is_refused_at_its_place(expression: str) -> None:
    with pytest.raises(PlanRefused) as raised:
        one("integer", expression)
    assert raised.value.problems[0].position == PLACE
