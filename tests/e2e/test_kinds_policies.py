"""Kinds of transformation that are asked for, numbered as in the portal's README."""

from __future__ import annotations

import shutil
from pathlib import Path

import asyncpg
import pytest

from shared.core.states import RunState
from shared.ledger.snapshots import MappingSnapshot, RunSnapshot
from shared.plan.reader import read_plan
from shared.plan.references import dependencies
from tests.harness.command_line import transfuse
from tests.harness.installation import ROOT
from tests.harness.ledger import ledger_of
from tests.harness.portal import PLAN
from tests.harness.servers import Servers
from transfuse.exit_codes import ExitCode

SCALE = 0.005
ACCOUNTS = ROOT / "plans" / "portal-accounts"
PLACEHOLDER = """
    placeholder:
      columns: {profile_type: support_agent, first_name: Unknown, last_name: Unknown, is_active: "false"}
    required: [profile_type, first_name, last_name]
"""
ADDRESSES = """
select u.id, lower(btrim(u.email)) from auth_user u
 where u.is_active and btrim(u.email) ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$'
   and (select count(*) from auth_user o where lower(btrim(o.email)) = lower(btrim(u.email))) = 1
 order by 1
"""
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def changed(folder: Path, file: str, *changes: tuple[str, str]) -> Path:
    """A copy of the portal's plan with other words in one of its files."""
    copy = folder / "portal"
    shutil.copytree(PLAN, copy, dirs_exist_ok=True)
    text = (copy / file).read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    (copy / file).write_text(text, encoding="utf-8")
    schema = PLAN.parent / "plan.schema.json"
    shutil.copy(schema, folder / schema.name)
    return copy


def with_ancestors(name: str) -> str:
    """A mapping of the portal's plan, and all that it refers to over any number of others."""
    depends_on = dependencies(read_plan(PLAN).mappings)
    found: dict[str, None] = {}
    ahead = [name]
    while ahead:
        mapping = ahead.pop()
        if mapping not in found:
            found[mapping] = None
            ahead += depends_on[mapping]
    return ",".join(found)


def counted(snapshot: RunSnapshot, name: str) -> MappingSnapshot:
    """A mapping of a run."""
    return next(mapping for mapping in snapshot.mappings if mapping.mapping == name)


def brought_in(snapshot: RunSnapshot, mapping: str) -> dict[str, tuple[str, int]]:
    """What the run counted of a mapping that is not in the source, by column."""
    return {
        found.column: (found.kind.value, found.row_count) for found in snapshot.brought_in if found.mapping == mapping
    }


def notices(snapshot: RunSnapshot) -> list[tuple[str, str]]:
    """What was warned about the run as a whole."""
    return [(notice.code, notice.table) for notice in snapshot.notices]


async def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    """What a query gives."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_kind_35_a_project_without_creator_refers_to_one_marked_profile_on_request(
    servers: Servers, tmp_path: Path
) -> None:
    portal = await servers.portal(SCALE)
    plan = changed(tmp_path, "people.yml", ("    required: [profile_type, first_name, last_name]\n", PLACEHOLDER))
    order = "      order_id: {default: null_it}"
    plan = changed_again(
        plan, "treatment.yml", order, "      creator_id: {without: placeholder, default: placeholder}\n" + order
    )
    async with servers.portal_installation(SCALE) as installation, ledger_of(installation) as ledger:
        said = await transfuse(installation, "run", str(plan), "--only", with_ancestors("projects"))
        snapshot = await ledger.progress.read(await ledger.youngest())
        assert snapshot.state is RunState.COMPLETED, said.text
        made = await fetch(
            installation.target,
            "select profile_type::text, first_name, is_active, created_at, metadata::text from profiles"
            " where legacy_user_id is null",
        )
        assert made == [("support_agent", "Unknown", False, None, '{"placeholder": true}')]
        profiles = counted(snapshot, "profiles").counts
        assert await fetch(installation.target, "select count(*) from profiles") == [(profiles.loaded + 1,)]
        turned = await fetch(
            installation.target,
            "select p.legacy_project_id from projects p join profiles c on c.id = p.creator_id"
            " where c.legacy_user_id is null order by 1",
        )
        there = [row[0] for row in await fetch(installation.target, "select legacy_user_id from profiles")]
    legacy = await asyncpg.connect(portal.owner)
    try:
        expected = await legacy.fetch(
            "select id from dispatch_project where type between 0 and 9 and status between 0 and 3"
            " and (creator_id is null or creator_id <> all ($1)) order by 1",
            [number for number in there if number is not None],
        )
        nameless = await legacy.fetchval("select count(*) from dispatch_project where creator_id is null")
    finally:
        await legacy.close()
    assert nameless > 0
    assert turned == [(row["id"],) for row in expected]
    warned = {(one.mapping, one.code, one.column): one.row_count for one in snapshot.warnings}
    assert warned["projects", "placeholder_parent", "creator_id"] == len(turned)
    assert "placeholder_parent" in said.out
    assert all(balance.balances for balance in snapshot.balances)


def changed_again(plan: Path, file: str, old: str, new: str) -> Path:
    """One more file of a copied plan with other words."""
    text = (plan / file).read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (plan / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return plan


async def test_kind_39_staged_removal_of_a_target_column(servers: Servers, tmp_path: Path) -> None:
    retired = "retired:\n  profiles.password_hash: nobody logs in by it any more\n\nunmapped:"
    plan = changed(tmp_path, "plan.yml", ("unmapped:", retired))
    async with servers.portal_installation(SCALE) as installation, ledger_of(installation) as ledger:
        await ledger.connection.execute(
            "insert into profiles (profile_type, first_name, last_name, password_hash)"
            " values ('admin', 'Ann', 'Other', 'pbkdf2_sha256$1$a$b')"
        )
        explained = await transfuse(installation, "plan", "explain", str(plan))
        assert 'ALTER TABLE "public"."profiles" DROP COLUMN "password_hash";' in explained.out, explained.text
        said = await transfuse(installation, "run", str(plan), "--only", "offices")
        filled = await ledger.progress.read(await ledger.youngest())
        assert ("retired_column_filled", "public.profiles.password_hash") in notices(filled), said.text
        assert "retired_column_filled" in said.out
        await ledger.connection.execute("update profiles set password_hash = null")
        await transfuse(installation, "run", str(plan), "--only", "offices")
        emptied = await ledger.progress.read(await ledger.youngest())
        assert emptied.state is RunState.COMPLETED
        assert "retired_column_filled" not in dict(notices(emptied))
        assert await fetch(installation.target, "select password_hash from profiles") == [(None,)]
        await ledger.connection.execute("alter table profiles drop column password_hash")
        checked = await transfuse(installation, "plan", "check", str(plan), "--connect")
        assert checked.code == ExitCode.OK, checked.text
        assert "public.profiles.password_hash is gone" in checked.out


async def test_kind_40_accounts_and_password_policy(servers: Servers) -> None:
    portal = await servers.portal(SCALE)
    async with servers.portal_installation(SCALE, schemas=("public", "auth")) as installation:
        async with ledger_of(installation) as ledger:
            said = await transfuse(installation, "run", str(ACCOUNTS))
            snapshot = await ledger.progress.read(await ledger.youngest())
        assert snapshot.state is RunState.COMPLETED, said.text
        made = await fetch(
            installation.target,
            "select (raw_user_meta_data ->> 'legacy_user_id')::int, email from auth.users order by 1",
        )
        assert made == await fetch(portal.owner, ADDRESSES)
        assert made
        passwords = "select count(*) from auth.users where encrypted_password is not null or email <> lower(email)"
        assert await fetch(installation.target, passwords) == [(0,)]
    counts = counted(snapshot, "accounts").counts
    assert await fetch(portal.owner, "select count(*) from auth_user") == [(counts.read,)]
    assert (counts.loaded, counts.filtered) == (len(made), counts.read - len(made))
    every = brought_in(snapshot, "accounts")
    assert every["aud"] == ("invented", len(made))
    assert every["is_sso_user"] == ("default", len(made))
    assert "Not from the source" in said.out
