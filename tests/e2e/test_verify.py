"""Verify: what differs between the target and what the plan makes of the source is found, and nothing else."""

from __future__ import annotations

from collections import Counter

import pytest

from shared.core.findings import VerifyOutcome
from shared.core.states import LoadMode, RunKind, RunState
from tests.harness.archive import BAD, LEFT_OUT, PEOPLE, PLAN, archive, plant
from tests.harness.command_line import transfuse
from tests.harness.ledger import ledger_of
from tests.harness.portal import PLAN as PORTAL
from tests.harness.servers import Servers
from tests.harness.services import services
from transfuse.exit_codes import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
SMALL = ("--batch-rows", "5000")
SHOUT = """
create or replace function shout() returns trigger language plpgsql as
    $$ begin if new.legacy_id = {number} then new.first_name := upper(new.first_name); end if; return new; end $$;
"""
TOUCHED = f"""
{SHOUT.format(number=4242)}
create trigger shout before insert on people for each row execute function shout();
"""


async def test_each_of_50_characters_a_reference_a_missing_and_an_extra_row_is_found_among_50_000_rows_and_repaired(
    servers: Servers,
) -> None:
    async with archive(servers, *SMALL) as sides:
        said, found = await sides.verify()
        assert said.code == ExitCode.OK, said.text
        assert "Equal: " in said.out
        (towns, people) = found.mappings
        assert (towns.checked, towns.equal, towns.extra) == (100, 100, 0)
        assert (people.checked, people.absent) == (PEOPLE, LEFT_OUT + BAD)
        assert people.equal == PEOPLE - LEFT_OUT - BAD
        assert await sides.findings() == []

        planted = await plant(sides.target, seed=7)
        said, found = await sides.verify()
        assert said.code == ExitCode.FAILED, said.text
        assert found.outcome is VerifyOutcome.DIFFERENT
        assert Counter(await sides.findings()) == Counter(planted.findings)
        assert {row[0] for row in await sides.target.fetch("select target_key from transfuse.finding")} == planted.keys
        differing = Counter(column for row in planted.findings for column in row[2])
        assert {one.column: one.row_count for one in found.mappings[1].columns} == differing

        said, found = await sides.verify("--repair")
        assert said.code == ExitCode.FAILED, said.text
        assert (found.mappings[1].equal, found.differences) == (people.equal, 1)
        assert [row[:2] for row in await sides.findings()] == [("people", "extra")]
        await sides.target.execute("delete from people where legacy_id is null")
        said, found = await sides.verify()
        assert (said.code, found.outcome) == (ExitCode.OK, VerifyOutcome.EQUAL), said.text
    text = said.text + "".join(map(str, found.mappings))
    assert "Nobody" not in text


async def test_rows_that_the_source_has_changed_since_are_told_apart_from_rows_that_differ(servers: Servers) -> None:
    async with archive(servers, *SMALL) as sides:
        await sides.legacy.execute("update person set first_name = first_name || '!' where id in (1, 2, 3)")
        await sides.legacy.execute("update person set first_name = 'left out' where id = 4")
        await sides.legacy.execute("update person set last_name = 'bad' where id = 5")
        await sides.legacy.execute("insert into person (id, first_name, last_name) values (90001, 'New', 'One')")
        await sides.legacy.execute("delete from person where id in (6, 8)")
        await sides.legacy.execute("update town set name = name where id = 50")
        said, found = await sides.verify()
        assert (said.code, found.outcome) == (ExitCode.WARNINGS, VerifyOutcome.EQUAL), said.text
        people = found.mappings[1]
        assert (people.changed_since, people.extra, found.differences) == (8, 0, 0)
        assert "8 rows changed in the source" in said.out

        await sides.target.execute("update people set amount = amount + 0.01 where legacy_id in (1, 9)")
        await sides.target.execute("update people set note = 'x' where legacy_id = 7")
        said, found = await sides.verify()
        assert (said.code, found.outcome) == (ExitCode.FAILED, VerifyOutcome.DIFFERENT), said.text
        assert (found.mappings[1].different, found.mappings[1].changed_since) == (2, 8)
        repaired = await transfuse(sides.installation, "verify", "--repair", "--with-changed")
        found = await sides.found()
        assert (found.mappings[1].different, found.mappings[1].missing) == (0, 0), repaired.text
        assert found.mappings[1].changed_since == 4  # two that are gone, one to be left out, one that breaks a rule


async def test_a_sample_checks_some_of_every_mapping_and_says_what_it_left_out(servers: Servers) -> None:
    async with archive(servers) as sides:
        said, found = await sides.verify("--sample", "2%")
        assert (said.code, found.outcome) == (ExitCode.OK, VerifyOutcome.EQUAL), said.text
        people = found.mappings[1]
        assert people.not_checked > PEOPLE * 0.9
        assert people.checked + people.not_checked == PEOPLE
        assert 0 < people.checked <= PEOPLE * 0.04
        assert (people.extra, found.extras_checked) == (None, False)
        assert "were not checked" in said.out
        await sides.target.execute("update people set last_name = last_name || ' '")
        said, found = await sides.verify("--sample", "2%")
        assert said.code == ExitCode.FAILED, said.text
        assert found.mappings[1].different > 0
        assert found.mappings[1].different + found.mappings[1].absent == found.mappings[1].checked


async def test_a_run_that_verifies_itself_fails_where_the_target_made_something_else_of_a_row(servers: Servers) -> None:
    text = PLAN.replace("    keep: p.", "    triggers: {shout: keep}\n    keep: p.")
    async with archive(servers, *SMALL, "--verify", text=text, after=TOUCHED) as sides:
        snapshot = await sides.ledger.progress.read(await sides.ledger.youngest())
        assert (snapshot.state, snapshot.reason) == (RunState.FAILED, "verify_different")
        rows = await sides.target.fetch("select kind, columns from transfuse.finding")
        assert [tuple(row) for row in rows] == [("different", ["first_name"])]
        said, found = await sides.verify()
        assert (said.code, found.differences) == (ExitCode.FAILED, 1), said.text
        await sides.target.execute(SHOUT.format(number=-1))
        said = await transfuse(sides.installation, "verify", "--repair")
        assert said.code == ExitCode.OK, said.text


@pytest.mark.parametrize("rabbitmq", (False, True), ids=("embedded", "rabbitmq"))
async def test_the_portal_verifies_itself_and_is_equal_whoever_does_it(servers: Servers, rabbitmq: bool) -> None:
    async with servers.portal_installation(0.005, rabbitmq=rabbitmq) as installation:
        if rabbitmq:
            async with services(installation):
                said = await transfuse(installation, "run", str(PORTAL), "--verify")
                later = await transfuse(installation, "verify")
        else:
            said = await transfuse(installation, "run", str(PORTAL), "--verify")
            later = await transfuse(installation, "verify")
        async with ledger_of(installation) as ledger:
            verify = await ledger.progress.read(await ledger.youngest())
            findings = await ledger.connection.fetchval("select count(*) from transfuse.finding")
    assert said.code == ExitCode.WARNINGS, said.text
    assert later.code == ExitCode.OK, later.text
    assert (verify.kind, verify.mode, verify.state) == (RunKind.VERIFY, LoadMode.COMPARE, RunState.COMPLETED)
    assert verify.counts.different == findings == 0
    assert verify.counts.unchanged > 0
    assert verify.counts.loaded + verify.counts.updated == 0


async def test_a_verify_that_could_not_read_everything_is_no_pass(servers: Servers) -> None:
    async with archive(servers, *SMALL) as sides:
        await sides.legacy.execute("alter table person rename column note to notes")
        said = await transfuse(sides.installation, "verify")
        found = await sides.found()
    assert said.code in {ExitCode.UNVERIFIED, ExitCode.INTERRUPTED}, said.text
    assert found.outcome is not VerifyOutcome.EQUAL
