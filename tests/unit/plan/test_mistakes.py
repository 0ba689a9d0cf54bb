"""Mistakes that authors make often are told where they are, with what to write instead."""

from __future__ import annotations

import pytest

from shared.plan.checks import check_plan
from shared.plan.position import PlanRefused
from tests.planning import CLINIC, problems, read

SCALAR = "put the whole value in double quotes, or write it below, indented, behind `|-`"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    (
        ("    into: doctors", "\tinto: doctors", "10:1: a tab: YAML is indented with blanks"),
        ("into: doctors", "into doctors", "10:5: here ':' is missing behind a key"),
        ("    key: d.id", "   key: d.id", "12:4: this line is indented otherwise than those that it belongs to"),
        ("clean(d.name)", "d.name || ': ' || d.id", f"15:24: a second ': ' in one line: {SCALAR}"),
        ("clean(d.name)", "'DR-' || d.id", f"15:20: a text in quotes ends here, and more follows: {SCALAR}"),
        ("clean(d.name)", '"DR-', "15:13: a quote is opened here and not closed"),
        (
            "clean(d.name)",
            "{'a': d.name}",
            "15:13: column 'name' is an expression, in quotes if it begins with '{', or {value: …}",
        ),
        (
            "      id: key()\n      name: clean(d.name)",
            "      - id: key()",
            "14:7: 'columns' of mapping 'doctors' is a mapping of keys to values, without dashes in front of them",
        ),
        ("clean(d.name)", "d.name || ' # '", "YAML takes what follows ' #' for a comment"),
        ("clean(d.name)", "clean(name)", "15:19: 'name': write alias.column, d.name"),
        (
            "(c.phone, 'US')",
            '(c.phone, "US")',
            "\"US\" in double quotes is a name: a text stands in single quotes, 'US'",
        ),
        ("clean(d.name)", "d.name || ‘x’", "'‘x’': texts stand in plain single quotes, '…'"),
        ("clean(d.name)", "clean(d.name", "')' is missing"),
        ("clean(d.name)", "clean(d.name))", "')' is there without its '('"),
        ("clean(d.name)", "CASE WHEN d.name = 'a (' THEN 'b'", "CASE needs END"),
        ("clean(d.name)", "to_char(d.id, '9')", "there is no function to_char(): write strftime(moment, format)"),
        ("clean(d.name)", "ISNULL(d.name, '')", "there is no function isnull(): write coalesce(value, other)"),
        (
            "from: doctor d",
            "from: SELECT * FROM doctor d",
            "11:11: `from` is what stands behind FROM: leave out SELECT …",
        ),
        ("from: doctor d", "from: doctor d WHERE d.id > 3", "no WHERE (conditions belong in `keep`, or in a subquery"),
        ("unmapped:", "    bad_value: {sex: keepaside}\nunmapped:", "null_it (did you mean 'keep_aside'?)"),
        ("unmapped:", "    bad_value: {gender: keep_aside}\nunmapped:", "29:17: bad_value names 'gender'"),
        ("codebook('sex', p.sex)", "codebook('gender', p.sex)", "there is no code book 'gender' (known: sex)"),
        ("codebook('sex', p.sex)", "codebook(sex, p.sex)", "codebook() begins with the name of a code book in quotes"),
        ("clean(d.name)", "(SELECT name FROM doctor)", "may not hold a subquery (joins belong in `from`)"),
        ("codebooks:", "codebooks:\n  kind: {from: kind.csv}", "there is no file 'kind.csv' in the plan's folder"),
        ("name: clean(d.name)", 'name: "?"', "column 'name' is still a question: write its expression"),
        ("sessions do not move", '"?"', "table 'session' is still a question: map it, or write why it is not moved"),
    ),
)
def test_a_common_mistake_is_told_once_and_with_its_remedy(old: str, new: str, said: str) -> None:
    assert old in CLINIC
    with pytest.raises(PlanRefused) as refused:
        check_plan(read(CLINIC.replace(old, new, 1)))
    (message,) = problems(refused.value)
    assert said in message
