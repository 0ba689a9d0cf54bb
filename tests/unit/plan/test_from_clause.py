from __future__ import annotations

import pytest

from shared.plan.from_checks import from_faults, key_faults
from shared.plan.from_clause import BadFrom, read_from, regenerated
from shared.postgres.identifiers import TableName


def table(name: str, schema: str = "legacy") -> TableName:
    return TableName(schema=schema, name=name)


def test_tables_are_qualified_comments_go_and_the_first_table_drives() -> None:
    _, clause = read_from("person p -- who\nLEFT JOIN other.contact /* how */ AS c ON c.id = p.id\n", "legacy")
    assert clause.sql == '"legacy".person AS p LEFT JOIN other.contact AS c ON c.id = p.id'
    assert clause.driving == table("person")
    assert clause.tables == (table("person"), table("contact", "other"))
    assert [(item.alias, item.table) for item in clause.items] == [
        ("p", table("person")),
        ("c", table("contact", "other")),
    ]
    assert not clause.plain
    assert not clause.expensive


def test_a_subquery_is_driven_by_its_own_first_table_and_shows_what_it_reads() -> None:
    text = "(SELECT o.id, row_number() OVER (ORDER BY o.id) AS n FROM orders o JOIN item i ON i.oid = o.id) AS q"
    _, clause = read_from(text, "legacy")
    assert clause.driving == table("orders")
    assert [(item.alias, item.table) for item in clause.items] == [("q", None)]
    assert clause.expensive
    assert {(column.name, column.candidates) for column in clause.columns} == {
        ("id", (table("orders"),)),
        ("oid", (table("item"),)),
    }


def test_a_tree_is_walked_by_a_recursive_query_that_is_no_table() -> None:
    text = """category AS c LEFT JOIN (
        WITH RECURSIVE tree (id) AS (
          SELECT r.id FROM category AS r WHERE r.parent_id IS NULL
          UNION ALL SELECT d.id FROM category AS d JOIN tree AS above ON above.id = d.parent_id
        ) SELECT tree.id FROM tree
      ) AS reached ON reached.id = c.id"""
    assert from_faults(text, "legacy") == []
    _, clause = read_from(text, "legacy")
    assert clause.driving == table("category")
    assert clause.tables == (table("category"),)
    assert [(item.alias, item.table) for item in clause.items] == [("c", table("category")), ("reached", None)]
    assert clause.expensive
    assert {column.candidates for column in clause.columns if column.name == "parent_id"} == {(table("category"),)}


@pytest.mark.parametrize(
    "text",
    (
        "(SELECT max(x) FROM t) AS q",
        "(SELECT DISTINCT x FROM t) AS q",
        "(SELECT x, lag(x) OVER (ORDER BY x) FROM t) AS q",
        "(SELECT x FROM t GROUP BY x) AS q",
    ),
)
def test_a_clause_that_cannot_be_read_in_parts_is_called_expensive(text: str) -> None:
    assert read_from(text, "legacy")[1].expensive


def test_names_fold_as_in_postgresql() -> None:
    _, clause = read_from('Person P JOIN "Weird ""Name""" AS "A" ON P.Id = "A"."Id"', "legacy")
    assert clause.tables == (table("person"), table('Weird "Name"'))
    assert [item.alias for item in clause.items] == ["p", "A"]
    assert clause.sql.endswith('AS "A" ON p.id = "A"."Id"')


def test_function_names_stay_as_they_were_written() -> None:
    text = "(SELECT now() AS a, char_length(t.b) AS c, strpos(t.b, 'x') AS d FROM t) AS q"
    assert regenerated(text, "legacy") == (
        "(SELECT now() AS a, char_length(t.b) AS c, strpos(t.b, 'x') AS d FROM \"legacy\".t AS t) AS q"
    )


@pytest.mark.parametrize(
    "text",
    (
        "person p",
        "ONLY person p",
        "person p JOIN contact c USING (id)",
        "person p, LATERAL (SELECT c.x FROM contact c WHERE c.pid = p.id ORDER BY c.id LIMIT 1) AS l",
        "(WITH k AS (SELECT a.id FROM a) SELECT k.id, count(*) AS n FROM k GROUP BY k.id) AS q",
        "person p LEFT JOIN (contact c JOIN phone f ON f.cid = c.id) ON c.pid = p.id",
        "person p LEFT JOIN unnest(p.list) WITH ORDINALITY AS u(x, n) ON true",
    ),
)
def test_clauses_that_only_read_are_taken(text: str) -> None:
    assert from_faults(text, "legacy") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    (
        ("person p; DROP TABLE person", "exactly one SELECT"),
        ("person p WHERE p.id = 1", "no WHERE"),
        ("person p FOR UPDATE", "no FOR UPDATE"),
        ("person p UNION SELECT 1", "exactly one SELECT"),
        ("(DELETE FROM person RETURNING id) AS p", "cannot be read|can be read, near"),
        ("person p JOIN", "can be read, near 'JOIN'"),
        ("(SELECT a.id FROM a FOR UPDATE) AS q", "FOR UPDATE or FOR SHARE"),
        ("(SELECT a.id INTO b FROM a) AS q", "SELECT INTO"),
        ("(SELECT a.id FROM a WHERE a.id = $1) AS q", "a parameter"),
        ("person p TABLESAMPLE SYSTEM (10)", "TABLESAMPLE"),
        ("person p NATURAL JOIN contact c", "NATURAL JOIN"),
        ("person p RIGHT JOIN contact c ON true", "RIGHT JOIN gives rows"),
        ("(SELECT * FROM a) AS q", "`*` in `from`"),
        ("(SELECT a.id FROM a LIMIT 3) AS q", "LIMIT needs ORDER BY"),
        ("(SELECT a.id FROM a ORDER BY a.id FETCH FIRST 3 ROWS WITH TIES) AS q", "WITH TIES"),
        ("(WITH k AS MATERIALIZED (SELECT a.id FROM a) SELECT k.id FROM k) AS q", "MATERIALIZED"),
        ("generate_series(1, 2) AS g", "must begin with a table"),
        ("(SELECT 1 AS x UNION ALL SELECT 2) AS q", "a UNION has no driving table"),
        ("(SELECT pg_sleep(1), a.id FROM a) AS q", r"function pg_sleep\(\) may not be called"),
        ("(SELECT nextval('s'), a.id FROM a) AS q", r"function nextval\(\) may not be called"),
        ("a, pg_catalog.pg_read_file('x') AS q", r"function pg_catalog.pg_read_file\(\) may not be called"),
        ('(SELECT "pg_sleep"(1) AS s, a.id FROM a) AS q', r"function pg_sleep\(\)"),
        ("(SELECT a.id, PG_CATALOG.pg_sleep/**/(1) FROM a) AS q", r"function pg_catalog.pg_sleep\(\)"),
        ("(SELECT count(*) FILTER (WHERE pg_sleep(1) IS NULL) AS n FROM a) AS q", r"function pg_sleep\(\)"),
        ("(SELECT string_agg(pg_read_file(a.x), ',') AS n FROM a) AS q", r"function pg_read_file\(\)"),
        ("a JOIN unnest(pg_ls_dir('.')) AS u(x) ON true", r"function pg_ls_dir\(\)"),
        ("a, ROWS FROM (pg_ls_dir('.')) AS q", r"function pg_ls_dir\(\)"),
        ("(SELECT a.id OPERATOR(public.+) 1 AS s FROM a) AS q", "may call anything"),
        ("(SELECT current_setting('x'), a.id FROM a) AS q", r"function current_setting\(\)"),
        ("(SELECT query_to_xml('delete from a', true, true, ''), a.id FROM a) AS q", r"function query_to_xml\(\)"),
        ("(SELECT regexp_match(a.x, 'y'), a.id FROM a) AS q", r"function regexp_match\(\)"),
        ("(SELECT public.lower(a.x), a.id FROM a) AS q", r"function public.lower\(\)"),
        ("(SELECT a.id FROM a WHERE a.owner = current_user) AS q", "the name of the session's user"),
        ("person p JOIN contact P ON true", "alias 'p' is used twice"),
        ("person AS p(a, b)", "renames columns"),
        ("person p JOIN (SELECT c.id FROM contact c) ON true", "needs an alias"),
    ),
)
def test_a_clause_that_does_more_than_read_is_refused(text: str, expected: str) -> None:
    faults = from_faults(text, "legacy")
    assert faults
    with pytest.raises(AssertionError, match=expected):
        raise AssertionError("; ".join(fault.message for fault in faults))


def test_a_function_that_the_plan_names_may_be_called() -> None:
    text = "(SELECT public.full_name(a.x) AS n FROM a) AS q"
    assert from_faults(text, "legacy", frozenset({"public.full_name"})) == []


def test_a_fault_is_pointed_at() -> None:
    text = "person p\nJOIN (SELECT pg_sleep(1) AS s, a.id FROM a) AS q ON true"
    (fault,) = from_faults(text, "legacy")
    assert text[fault.offset :].startswith("pg_sleep")


@pytest.mark.parametrize("key", ("p.id", "lower(p.code)", "p.a || '-' || p.b", "p.id::text"))
def test_keys_are_expressions_over_aliases(key: str) -> None:
    assert key_faults(key, frozenset({"p"})) == []


@pytest.mark.parametrize(
    "key", ("id", "q.id", "1", "p.id, p.x", "p.id; x", "(SELECT 1)", "p.*", "nextval('s') + p.id", "p.id AS x")
)
def test_a_key_that_is_anything_else_is_refused(key: str) -> None:
    assert key_faults(key, frozenset({"p"}))


def test_what_cannot_be_read_says_so() -> None:
    with pytest.raises(BadFrom):
        regenerated("", "legacy")
