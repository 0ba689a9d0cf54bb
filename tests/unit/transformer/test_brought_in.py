"""What is not in the source is counted: invented values, placeholders, and hashes that are none of those asked for."""

from __future__ import annotations

import pytest

from services.transformer.engine import Engine
from shared.core.keys import key_uuid
from shared.plan.model import Accounts, Codebook, PasswordHash
from tests.transforming.mappings import NAMESPACE, PLACE, Options, answer, compiled, reasons, transformed, warned

KIND = Codebook(name="kind", position=PLACE, meanings={"1": "one"}, otherwise="other", warn=False)
ARGON2 = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzYWx0$" + "A" * 43
BCRYPT = "$2b$12$" + "a" * 53
DJANGO = "pbkdf2_sha256$260000$salt$" + "A" * 43 + "="


def test_the_rows_that_got_an_invented_value_are_counted_and_no_others(engine: Engine) -> None:
    columns = {"v": ("text", "coalesce(clean(p.a), clean(p.b), 'Unknown')")}
    mapping = compiled({"a": "text", "b": "text"}, columns, Options(invented=("v",)))
    body = transformed(engine, mapping, [("Ann", None), (" ", "null"), ("", "Bo"), ("Unknown", None), (None, None)])
    assert (body.row_count, warned(body)) == (5, {("invented", "v"): 2})


def test_the_value_of_a_code_book_for_other_codes_is_counted_also_where_nobody_is_warned(engine: Engine) -> None:
    columns = {"v": ("text", "codebook('kind', p.a)")}
    body = transformed(engine, compiled({"a": "text"}, columns, Options(codebooks=(KIND,))), [("1",), ("9",), (None,)])
    assert warned(body) == {("otherwise", "v"): 1}


def test_a_row_that_names_no_parent_refers_to_the_placeholder_and_one_that_names_a_wrong_one_does_not(
    engine: Engine,
) -> None:
    columns = {"v": ("uuid", "ref('doctors', p.a)")}
    mapping = compiled({"a": "text"}, columns, Options(without_parent=("v",), not_null=("v",)))
    body = transformed(engine, mapping, [("7",), (None,), ("seven",)])
    assert (body.row_count, warned(body)) == (2, {("placeholder_parent", "v"): 1})
    assert [reasons(row) for row in body.refused] == [{("bad_reference", "v")}]
    assert key_uuid(NAMESPACE, "doctors:\\placeholder").bytes in body.rows


@pytest.mark.parametrize(
    ("form", "taken", "refused"),
    (
        (PasswordHash.ARGON2, ARGON2, (BCRYPT, DJANGO, "argon2" + ARGON2, "secret", "")),
        (PasswordHash.BCRYPT, BCRYPT, (ARGON2, DJANGO, "bcrypt$" + BCRYPT, BCRYPT + "\n", "secret")),
    ),
)
def test_only_hashes_of_the_form_that_the_accounts_ask_for_are_taken(
    engine: Engine, form: PasswordHash, taken: str, refused: tuple[str, ...]
) -> None:
    accounts = Accounts(position=PLACE, password="v", from_hash=form)
    columns = {"v": ("text", "p.a")}
    rows = [(taken,), (None,), *((text,) for text in refused)]
    body = transformed(engine, compiled({"a": "text"}, columns, Options(accounts=accounts)), rows)
    assert body.row_count == 2
    assert [reasons(row) for row in body.refused] == [{("bad_hash", "v")}] * len(refused)
    nulled = compiled({"a": "text"}, columns, Options(accounts=accounts, nulled=("v",)))
    assert answer(engine, nulled, rows)["v"].to_list() == [taken, None, *[None] * len(refused)]
    assert warned(transformed(engine, nulled, rows)) == {("bad_hash", "v"): len(refused)}
