from __future__ import annotations

import pytest

from shared.plan.checks import check_plan
from shared.plan.position import PlanRefused
from tests.planning import CLINIC, pointed, problems, read

IMPURE = "may not be called here: its result must depend on its arguments alone, and it must do nothing else"
KNOWN = " (known: doctor_id, id, legacy_id, metadata, phone, sex)"


def refused(old: str, new: str) -> list[str]:
    with pytest.raises(PlanRefused) as refusal:
        check_plan(read(CLINIC.replace(old, new, 1)))
    return problems(refusal.value)


def column(expression: str) -> str:
    """What is said first about an expression of a column."""
    return refused("clean(d.name)", expression)[-1].split(": ", 1)[1]


def test_a_good_plan_has_neither_problems_nor_warnings() -> None:
    assert check_plan(read(CLINIC)) == ()


def test_a_code_book_that_nothing_uses_is_a_warning() -> None:
    (warning,) = check_plan(read(CLINIC.replace("codebook('sex', p.sex)", "p.sex")))
    assert str(warning) == "plan.yml:7:3: code book 'sex' is never used"


@pytest.mark.parametrize(
    ("expression", "expected"),
    (
        ("d.name +", 'syntax error at or near "+"'),
        ('"(SELECT 1)"', "an expression may not hold a subquery (joins belong in `from`)"),
        ("row_number() OVER ()", "an expression may not hold a window function (windows belong in `from`)"),
        ("$1", "an expression may not hold a parameter"),
        ("d.*", "an expression may not hold `*`"),
        ("sum(d.id)", "sum() may not be called here: aggregates belong in `from`"),
        ("random()", f"random() {IMPURE}"),
        ("getvariable('x')", f"getvariable() {IMPURE}"),
        ("current_setting('x')", f"current_setting() {IMPURE}"),
        ("unnest([1])", "unnest() may not be called here: it gives a table"),
        ("read_text('/etc/passwd')", "read_text() may not be called here: it gives a table"),
        ("claen(d.name)", "there is no function claen() (did you mean 'clean'?)"),
        ("main.lower(d.name)", "write lower(…) with its arguments in the brackets, without a schema"),
        ("lower(DISTINCT d.name)", "lower() takes no DISTINCT, FILTER or ORDER BY here"),
        ("clean(d.name, 1)", "clean() is called as clean(text)"),
        ("clean(text := d.name)", "clean(text) takes no named arguments"),
        ("x.name", "`from` has no alias 'x' (known: d)"),
        ("name", "'name': write alias.column, d.name"),
        ("d.name.first", "'d.name.first': write alias.column"),
        ("codebook('sexx', d.name)", "there is no code book 'sexx' (did you mean 'sex'?)"),
        ("codebook(d.name, d.name)", "codebook() begins with the name of a code book in quotes"),
        ("ref('pateints', d.id)", "there is no mapping 'pateints' (did you mean 'patients'?)"),
        ("ref('patients', d.id, d.id)", "the key of 'patients' has 1 part(s), this ref() gives 2"),
        ("date_of(d.name, d.name)", "the formats of date_of() are texts in quotes"),
        ("matching(d.name, d.name)", "the pattern of matching() is a text in quotes"),
        ("rest(except := d.name)", "rest() is called as rest() or rest(except := ['name', …], also := ['name', …])"),
        ("rest('name')", "rest() is called as rest() or rest(except := ['name', …], also := ['name', …])"),
        ("rest(except := ['name'], also := ['name'])", "rest() both excepts and packs 'name': name it once"),
        ("now(1)", "now() takes no arguments"),
        ("d.name AS x", "expected exactly one expression, without FROM or alias"),
        ("1 GROUP BY ALL", 'syntax error at or near "GROUP"'),
        ("'d.name,'", "expected exactly one expression"),
    ),
)
def test_an_expression_that_may_not_run_is_refused_with_the_reason(expression: str, expected: str) -> None:
    assert column(expression) == expected


@pytest.mark.parametrize(
    "expression",
    (
        "CASE WHEN d.id > 3 THEN upper(d.name) ELSE d.name || 'x' END",
        "COALESCE(TRY_CAST(d.name AS INTEGER), 0)",
        "now() > current_timestamp AND today() = current_date",
        "list_transform([1, 2], lambda x: x + d.id)",
        "list_filter([1, 2], x -> x > d.id)",
        "json_extract_string(d.name, '$.x')",
        "d.name -> '$.x'",
        "D.NAME LIKE 'x%' ESCAPE '!'",
        "d.id IN (1, 2) AND d.name IS NOT NULL",
        "date_of(d.name, '%Y-%m-%d') + INTERVAL 1 DAY",
    ),
)
def test_pure_expressions_are_taken(expression: str) -> None:
    assert check_plan(read(CLINIC.replace("name: clean(d.name)", f'name: "{expression}"'))) == ()


def test_a_mistake_inside_several_lines_is_pointed_at() -> None:
    several = "name: |\n        CASE WHEN d.id > 3\n          THEN claen(d.name)\n        END"
    text = CLINIC.replace("name: clean(d.name)", several)
    with pytest.raises(PlanRefused) as refusal:
        check_plan(read(text))
    (problem,) = refusal.value.problems
    assert (problem.position.line, problem.position.column) == (17, 16)
    assert pointed(problem, text) == "claen(d.name)"
    assert problem.source_line == "          THEN claen(d.name)"


def test_rules_and_keep_see_aliases_and_computed_columns_only() -> None:
    rule = "      - {name: a, check: 'legacy_id > 0 AND q.x = 1'}"
    found = refused("unmapped:", f"    keep: p.id > 0 AND sexx IS NULL\n    rules:\n{rule}\nunmapped:")
    assert found == [
        "plan.yml:29:24: 'sexx': write alias.column, or the name of a column of this mapping (did you mean 'sex'?)",
        "plan.yml:31:45: `from` has no alias 'q' (known: c, p)",
    ]


def test_references_in_a_circle_or_to_oneself_are_refused_where_the_plan_itself_keeps_them_from_waiting() -> None:
    (message,) = refused("name: clean(d.name)", "boss: ref('doctors', d.id)\n    required: [boss]")
    assert "'boss' refers to its own mapping, so that it is NULL until all its rows are there, but: required" in message
    boss = "boss: ref('doctors', d.id)\n    missing_parent: {boss: quarantine}"
    (message,) = refused("name: clean(d.name)", boss)
    assert message.endswith("missing_parent must be null_it or fail_run, for its row is loaded by then")
    patient = "patient: ref('patients', d.id)\n    required: [patient]"
    text = CLINIC.replace("name: clean(d.name)", patient).replace("unmapped:", "    required: [doctor_id]\nunmapped:")
    with pytest.raises(PlanRefused) as refusal:
        check_plan(read(text))
    (circle,) = problems(refusal.value)
    assert circle.startswith("plan.yml:")
    assert "the mappings wait for each other (doctors -> patients -> doctors)" in circle
    assert "doctors.patient (required), patients.doctor_id (required)" in circle


@pytest.mark.parametrize(
    ("follows", "expected"),
    (
        ("{sex: \"ref('doctors', p.id)\"}", "'sex' is a column already: choose another name under `follows`"),
        ("{guide: p.id}", "`follows` names parents: write guide: ref('mapping', key)"),
        ("{guide: \"ref('doctor', p.id)\"}", "there is no mapping 'doctor' (did you mean 'doctors'?)"),
    ),
)
def test_what_is_followed_is_a_reference_under_a_name_of_its_own(follows: str, expected: str) -> None:
    (message,) = refused("unmapped:", f"    follows: {follows}\nunmapped:")
    assert message.split(": ", 1)[1] == expected


def test_what_is_followed_cannot_wait_for_a_second_pass() -> None:
    boss = "name: clean(d.name)\n    follows: {boss: \"ref('doctors', d.id)\"}"
    (message,) = refused("name: clean(d.name)", boss)
    assert message.endswith("what is followed decides whether the row is loaded")


@pytest.mark.parametrize(
    ("option", "expected"),
    (
        ("required: [nam]", "required names 'nam', which is no column of mapping 'patients'" + KNOWN),
        ("clear: [phnoe]", "clear names 'phnoe', which is no column of mapping 'patients' (did you mean 'phone'?)"),
        ("proof: {sum: [x]}", "proof names 'x', which is no column of mapping 'patients'" + KNOWN),
        ("unique: {x: checked}", "unique names 'x', which is no column of mapping 'patients'" + KNOWN),
        ("bad_value: {x: keep_aside}", "bad_value names 'x', which is no column of mapping 'patients'" + KNOWN),
        ("missing_parent: {x: null_it}", "missing_parent names 'x', which is no column of mapping 'patients'" + KNOWN),
        (
            "missing_parent: {sex: null_it}",
            "column 'sex' holds no ref() at its root, so that no parent can be missing",
        ),
    ),
)
def test_options_name_columns_that_are_there(option: str, expected: str) -> None:
    (message,) = refused("unmapped:", f"    {option}\nunmapped:")
    assert message.split(": ", 1)[1] == expected


TWICE = CLINIC[CLINIC.index("  - name: doctors") : CLINIC.index("  - name: patients")]


@pytest.mark.parametrize("other", ("off", ""))
def test_mappings_of_one_table_decide_its_triggers_alike(other: str) -> None:
    decided = "    triggers: {touch: %s}\n"
    second = TWICE.replace("name: doctors", "name: nurses", 1) + (decided % other if other else "")
    text = CLINIC.replace(TWICE, TWICE + decided % "keep" + second, 1)
    with pytest.raises(PlanRefused) as refusal:
        check_plan(read(text))
    (message,) = problems(refusal.value)
    assert message.endswith(
        "mappings 'doctors' and 'nurses' both write doctors: decide its trigger 'touch' alike in both"
    )


def test_a_mapping_has_exactly_one_key_column() -> None:
    (message,) = refused("legacy_id: p.id", "legacy_id: key()")
    assert message.endswith("mapping 'patients' needs exactly one column that is key()")


def test_keeping_a_bad_value_aside_needs_a_column_that_keeps_it() -> None:
    (message,) = refused("metadata: rest(except := ['password'])\n", "x: p.notes\n    bad_value: {x: keep_aside}\n")
    assert message.endswith(
        "keep_aside of 'x' needs a column with rest(), where the original is kept: "
        "add one, or write null_it, which keeps no original"
    )


def test_a_mapping_keyed_by_content_cannot_be_referred_to() -> None:
    (message,) = refused("key: d.id", "key: content()")
    assert message.endswith("the rows of 'doctors' have no key to refer to: theirs is content()")
