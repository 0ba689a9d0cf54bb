"""Local accounts on the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.harness.command_line import transfuse
from tests.harness.databases import copied
from tests.harness.installation import Installation, installed
from transfuse.exit_codes import ExitCode

EMAIL, PASSWORD = "ops.lead@example.org", "correct horse battery"


@pytest.fixture
async def installation(postgres_server: str, tmp_path: Path) -> AsyncIterator[Installation]:
    async with copied(postgres_server) as legacy, installed(tmp_path, server=postgres_server, legacy=legacy) as made:
        yield made


async def rows(installation: Installation, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(installation.target)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_an_account_is_made_listed_changed_disabled_and_enabled(installation: Installation) -> None:
    assert "There is no account yet" in (await transfuse(installation, "user", "list")).out
    add = ("user", "add", EMAIL, "--role", "admin", "--password-stdin")
    made = await transfuse(installation, *add, typed=f"{PASSWORD}\n")
    assert (made.code, made.out.strip()) == (0, f"{EMAIL} may sign in as admin.")
    last = await transfuse(installation, "user", "disable", EMAIL)
    assert last.code == ExitCode.FAILED
    assert "the last administrator" in last.err
    second = ("user", "add", "second@example.org", "--role", "admin", "--password-stdin")
    assert (await transfuse(installation, *second, typed=PASSWORD)).code == 0
    for words, told in (
        (("disable", EMAIL.upper()), f"{EMAIL} is disabled."),
        (("enable", EMAIL), f"{EMAIL} may sign in."),
        (("role", EMAIL, "viewer"), f"{EMAIL} is viewer now."),
    ):
        answer = await transfuse(installation, "user", *words)
        assert (answer.code, answer.out.strip()) == (0, told)
    before = await rows(installation, "select password_hash from transfuse.account order by email")
    changed = await transfuse(installation, "user", "password", EMAIL, "--password-stdin", typed="another long one!\n")
    assert changed.code == 0
    after = await rows(installation, "select password_hash from transfuse.account order by email")
    assert before[0] != after[0]
    assert before[1] == after[1]
    listed = await transfuse(installation, "user", "list")
    assert f"{EMAIL}" in listed.out
    assert "viewer" in listed.out
    audited = await rows(installation, "select action, outcome from transfuse.audit where action like 'user.%'")
    assert audited.count(("user.create", "done")) == 2
    assert audited.count(("user.change", "done")) == 4
    assert audited.count(("user.change", "begun")) == 5
    text = str(await rows(installation, "select a::text from transfuse.audit a"))
    assert PASSWORD not in text


@pytest.mark.parametrize(
    ("words", "typed", "told"),
    (
        (("add", EMAIL, "--role", "admin", "--password-stdin"), "short\n", "12 to 256 characters"),
        (("add", EMAIL, "--role", "admin", "--password-stdin"), f"{EMAIL}\n", "The password is the e-mail"),
        (("add", "nobody", "--role", "admin", "--password-stdin"), f"{PASSWORD}\n", "That is no e-mail"),
        (("disable", "nobody@example.org"), None, "There is no account nobody@example.org"),
    ),
    ids=("a short password", "the e-mail as password", "no e-mail", "an unknown account"),
)
async def test_what_cannot_be_is_refused_with_what_to_do(
    installation: Installation, words: tuple[str, ...], typed: str | None, told: str
) -> None:
    answer = await transfuse(installation, "user", *words, typed=typed)
    assert answer.code == ExitCode.FAILED
    assert told in answer.err
    assert "Traceback" not in answer.text


async def test_a_password_is_never_an_argument_and_never_asked_for_without_a_terminal(
    installation: Installation,
) -> None:
    answer = await transfuse(installation, "user", "add", EMAIL, "--role", "admin", typed=PASSWORD)
    assert answer.code == ExitCode.USAGE
    assert "--password-stdin" in answer.err
    assert (await transfuse(installation, "user", "add", EMAIL, "--password", PASSWORD)).code == ExitCode.USAGE


async def test_with_supabase_there_are_no_local_accounts(installation: Installation) -> None:
    answer = await transfuse(installation, "user", "list", SUPABASE_URL="https://project.supabase.co")
    assert answer.code == ExitCode.FAILED
    assert "sign in at Supabase" in answer.err
