from __future__ import annotations

import duckdb
import sqlglot
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.plan.from_checks import from_faults
from shared.plan.from_clause import read_from
from shared.plan.model import Text
from shared.plan.report import Report
from shared.plan.source_sql import constant
from shared.plan.yaml_document import YamlMapping, YamlScalar, read_yaml
from shared.postgres.identifiers import Identifier

PRINTABLE = st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc", "Zl", "Zp"])
PLAIN_LIKE = st.one_of(
    st.sampled_from(("NO", "on", "off", "Yes", "null", "~", "true", "010", "0x1F", "1_000", "1e3", ".inf", "12:30:00")),
    st.dates().map(str),
    st.integers().map(str),
    st.floats(allow_nan=False).map(str),
)


@given(PLAIN_LIKE)
def test_a_plain_scalar_is_the_text_that_was_written(value: str) -> None:
    report = Report({})
    node = read_yaml(f"{{{value}: {value}}}", "p", report)
    assert isinstance(node, YamlMapping)
    ((key, found),) = node.entries
    assert isinstance(found, YamlScalar)
    assert (key.value, found.value) == (value, value)
    assert not report.problems


@given(st.text(PRINTABLE, min_size=1))
def test_a_quoted_scalar_is_the_text_that_was_written(value: str) -> None:
    assume(value == value.strip() and not any(mark in value for mark in "\x85\ufeff"))
    quoted = "'" + value.replace("'", "''") + "'"
    node = read_yaml(f"a: {quoted}", "p", Report({}))
    assert isinstance(node, YamlMapping)
    found = node.entries[0][1]
    assert isinstance(found, YamlScalar)
    assert found.value == value


@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), min_size=1), st.data())
def test_a_character_of_a_block_is_found_at_its_line_and_column(words: list[str], data: st.DataObject) -> None:
    indents = data.draw(st.lists(st.integers(0, 3), min_size=len(words), max_size=len(words)))
    lines = [
        " " * (0 if number == 0 else indent) + word
        for number, (indent, word) in enumerate(zip(indents, words, strict=True))
    ]
    document = "a: |\n" + "".join(f"    {line}\n" for line in lines)
    report = Report({"p": document})
    node = read_yaml(document, "p", report)
    assert isinstance(node, YamlMapping)
    found = node.entries[0][1]
    assert isinstance(found, YamlScalar)
    text = Text(value=found.value, position=found.position)
    for offset, character in enumerate(text.value):
        if not character.isspace():
            place = report.place(text, offset)
            assert document.split("\n")[place.line - 1][place.column - 1] == character


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_a_quoted_identifier_is_the_name(name: str) -> None:
    with duckdb.connect(":memory:") as connection:
        assert connection.execute(f"select 1 as {Identifier(name)}").description[0][0] == name


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_constant_is_one_constant_whatever_its_text(text: str) -> None:
    tokens = sqlglot.tokenize(constant(text, "text"), dialect="postgres")
    assert len(tokens) == 3


NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=["Cc"]), min_size=1, max_size=8)
QUOTED = NAMES.map(Identifier)


@st.composite
def clauses(draw: st.DrawFn) -> str:
    """A FROM clause of quoted names: tables, joins, subqueries, comments and white space."""
    aliases = draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=str.lower))
    parts = []
    for number, alias in enumerate(aliases):
        table, column = draw(QUOTED), draw(QUOTED)
        inner = f"(SELECT t.{column} FROM {table} AS t WHERE t.{column} <> 'x''; -- y')"  # noqa: S608
        item = f"{draw(st.sampled_from((str(table), inner)))} AS {Identifier(alias)}"
        join = draw(st.sampled_from(("JOIN", "LEFT JOIN", "/* a */ INNER JOIN")))
        parts.append(item if number == 0 else f"{join} {item} ON {Identifier(alias)}.{column} = 1 -- note\n")
    return draw(st.sampled_from((" ", "\n", "\t"))).join(parts)


@given(clauses())
def test_a_clause_that_is_printed_again_is_the_same_clause(text: str) -> None:
    _, clause = read_from(text, "legacy")
    _, again = read_from(clause.sql, "elsewhere")
    assert again.sql == clause.sql
    assert (again.items, again.driving, again.tables) == (clause.items, clause.driving, clause.tables)
    assert from_faults(text, "legacy") == []
    assert "note" not in clause.sql.replace('"note"', "")
