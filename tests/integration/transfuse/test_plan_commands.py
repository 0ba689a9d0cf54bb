"""What a plan's author is helped with: a first plan, what a plan leaves out, what a change of it means."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.plan.reader import read_plan
from tests.harness import clinic
from tests.harness.command_line import transfuse
from tests.harness.databases import PREFIX, copied, filled
from tests.harness.installation import Installation, installed
from tests.harness.ledger import ledger_of

TEMPLATE = f"{PREFIX}plan_commands_target"
RARE = "insert into person values (5, 'Five', 'X', 1); "
OFTEN = "insert into person select n, 'n', 'Y', 1 from generate_series(10, 16) as n"


@pytest.fixture
async def installation(postgres_server: str, tmp_path: Path) -> AsyncIterator[Installation]:
    async def fill(url: str) -> None:
        await clinic.fill(url, clinic.TARGET)

    await filled(postgres_server, TEMPLATE, fill)
    async with copied(postgres_server) as legacy:
        await clinic.fill(legacy, clinic.LEGACY)
        async with installed(tmp_path, server=postgres_server, legacy=legacy, template=TEMPLATE) as made:
            yield made


@pytest.fixture
def plan(tmp_path: Path) -> str:
    return clinic.written(tmp_path, clinic.PLAN)


async def test_coverage_names_what_goes_nowhere_and_what_nothing_fills(installation: Installation, plan: str) -> None:
    await clinic.fill(
        installation.target, "alter table people add column note text, add column seen boolean default true"
    )
    await clinic.fill(installation.legacy, "create table lost (id integer)")
    answer = await transfuse(installation, "plan", "coverage", plan)
    assert answer.code == 1, answer.err
    for line in (
        "  missing: 1\n!   lost\n",
        "    person (people)\n",
        "    town: not moved\n",
        "! person: town_id\n",
        "  people: note  (get NULL)\n",
        "  people: seen  (get a default)\n",
        "  people.kind, code book kind: never met: 'ON'\n",
    ):
        assert line in answer.out, answer.out
    document = json.loads((await transfuse(installation, "plan", "coverage", plan, "--json")).out)
    assert document["gaps"] == 2
    assert {table["table"]: table["fate"] for table in document["tables"]}["lost"] == "missing"


async def test_a_plan_that_leaves_nothing_out_is_complete(installation: Installation, tmp_path: Path) -> None:
    await clinic.fill(installation.target, "alter table people add column rest jsonb")
    whole = clinic.written(tmp_path, clinic.changed("      name: p.name\n", "      name: p.name\n      rest: rest()\n"))
    answer = await transfuse(installation, "plan", "coverage", whole)
    assert (answer.code, ": complete\n" in answer.out) == (0, True), answer.text


async def test_codes_that_few_rows_have_are_counted_and_named_only_on_request(
    installation: Installation, plan: str
) -> None:
    await clinic.fill(installation.legacy, RARE + OFTEN)
    shy = await transfuse(installation, "plan", "coverage", plan)
    assert "! people.kind, code book kind: not in the book: 'Y' (7 rows)\n" in shy.out
    assert "codes met in <5 rows each: 1 (--rare shows them)" in shy.out
    assert "'X'" not in shy.text
    asked = await transfuse(installation, "plan", "coverage", plan, "--rare")
    assert "'Y' (7 rows), 'X' (<5 rows)" in asked.out


async def test_codes_are_what_the_authors_expression_makes_of_the_values(
    installation: Installation, tmp_path: Path
) -> None:
    await clinic.fill(installation.legacy, "update person set kind = ' a ' where id = 1")
    trimmed = clinic.changed("codebook('kind', p.kind)", "codebook('kind', upper(clean(p.kind)))")
    answer = await transfuse(installation, "plan", "coverage", clinic.written(tmp_path, trimmed))
    assert "not in the book" not in answer.out
    assert "never met: 'ON'" in answer.out


async def test_a_first_plan_is_checked_but_for_its_questions_and_never_written_over(
    installation: Installation, tmp_path: Path
) -> None:
    folder = tmp_path / "first"
    made = await transfuse(installation, "plan", "new", str(folder))
    assert made.code == 0, made.err
    text = (folder / "plan.yml").read_text(encoding="utf-8")
    assert '  visit: "?"\n' in text
    again = await transfuse(installation, "plan", "new", str(folder))
    assert (again.code, (folder / "plan.yml").read_text(encoding="utf-8")) == (2, text)
    refused = await transfuse(installation, "plan", "check", str(folder))
    assert refused.code == 2
    assert "table 'visit' is still a question: map it, or write why it is not moved" in refused.err
    assert '\n      visit: "?"\n      ^\n' in refused.err


async def test_versions_of_the_ledger_and_files_are_told_apart(installation: Installation, plan: str) -> None:
    read = read_plan(Path(plan))
    async with ledger_of(installation) as ledger:
        await ledger.runs.register_plan(name=read.name, hash=read.hash, files=read.files)
    assert (await transfuse(installation, "plan", "diff", "clinic@1", plan)).code == 0
    Path(plan).write_text(clinic.changed("key: p.id", "key: p.town_id"), encoding="utf-8")
    answer = await transfuse(installation, "plan", "diff", "clinic@newest", plan)
    assert answer.code == 1
    assert "! mapping people: key changed, so its rows get other keys" in answer.out
    document = json.loads((await transfuse(installation, "plan", "diff", "clinic@1", plan, "--json")).out)
    assert document["mappings"][0]["changes"] == [{"what": "key", "old": "p.id", "new": "p.town_id", "keys": True}]
    unknown = await transfuse(installation, "plan", "diff", "clinic@7", plan)
    assert unknown.code == 2
    nowhere = await transfuse(installation, "plan", "diff", "nothing/here", plan)
    assert "There is no nothing/here." in nowhere.err


async def test_a_code_that_only_a_run_can_make_is_said_to_be_untold(installation: Installation, tmp_path: Path) -> None:
    nested = clinic.changed("codebook('kind', p.kind)", "codebook('kind', codebook('kind', p.kind))")
    answer = await transfuse(installation, "plan", "coverage", clinic.written(tmp_path, nested))
    assert answer.code == 1, answer.err
    assert "  people.kind, code book kind: only a run can tell" in answer.out
    assert "never met: 'ON'" in answer.out
