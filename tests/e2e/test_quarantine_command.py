"""`transfuse quarantine`: refused rows counted, listed masked, shown in clear and given up, with the audit."""

from __future__ import annotations

import pytest

from tests.harness.command_line import transfuse
from tests.harness.grove import run
from tests.harness.infirmary import PLAN, infirmary
from tests.harness.ledger import ledger_of
from tests.harness.servers import Servers
from transfuse.exit_codes import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]
WHY = ("--why", "The clinic asked why this patient is missing.")


async def test_an_operator_browses_refused_rows_sees_one_and_gives_some_up(servers: Servers) -> None:
    async with infirmary(servers) as (installation, _), ledger_of(installation) as ledger:
        _, snapshot = await run(installation, text=PLAN)
        shown = await transfuse(installation, "quarantine")
        assert shown.code == ExitCode.OK, shown.text
        lines = {tuple(line.split()) for line in shown.out.splitlines()}
        assert ("people", "kind", "unknown_code", "1", "1") in lines
        assert ("visits", "person_id", "missing_parent", "people", "5", "5") in lines
        listed = await transfuse(
            installation, "quarantine", "--rows", "--mapping", "people", "--reason", "unknown_code"
        )
        assert "p.kind=<letters>" in listed.out
        assert "Three" not in listed.out
        ref = await ledger.connection.fetchval(
            'select id from transfuse.quarantine where run_id = $1 and reasons @> \'[{"code": "unknown_code"}]\'',
            snapshot.run,
        )
        clear = await transfuse(installation, "quarantine", "--unmask", str(ref), *WHY)
        assert clear.code == ExitCode.OK, clear.text
        assert "people, key c\\|3" in clear.out
        assert "Three" in clear.out
        given_up = await transfuse(installation, "quarantine", "--discard", "--row", str(ref), *WHY)
        assert "given up: 1 of people" in given_up.out
        again = await transfuse(installation, "quarantine", "--discard", "--row", str(ref), *WHY)
        assert again.code == ExitCode.FAILED
        assert "None of these rows waits" in again.text
        audit = await ledger.connection.fetch(
            "select action, outcome from transfuse.audit where action like 'quarantine.%' order by seq"
        )
        assert [tuple(row) for row in audit] == [
            ("quarantine.unmask", "begun"),
            ("quarantine.open", "done"),
            ("quarantine.unmask", "done"),
            ("quarantine.discard", "begun"),
            ("quarantine.discard", "done"),
            ("quarantine.discard", "begun"),
            ("quarantine.discard", "refused"),
        ]
        typed = ("--edit", str(ref), "p.born:1990-02-28", "--null")
        assert (await transfuse(installation, "quarantine", *typed, *WHY)).code == ExitCode.FAILED
        assert not await ledger.connection.fetchval(
            "select count(*) from transfuse.audit a where a::text like '%1990%'"
        )
        for why in ("One line,\nand another one.", "x" * 501):
            assert (await transfuse(installation, "quarantine", *typed, "--why", why)).code == ExitCode.USAGE
        for words in (("--discard", "--all"), ("--rows",), ("--discard", *WHY), ("--unmask", str(ref), "--rows", *WHY)):
            assert (await transfuse(installation, "quarantine", *words)).code == ExitCode.USAGE
