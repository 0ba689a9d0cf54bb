"""Planted people never appear where nobody should see them: not when all goes well, and not when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.bus.topology import Topology
from shared.core.states import RunState
from tests.harness.canary import LEGACY, NAMESPACE, PLANS, TABLES, TARGET, TOKEN, arrived, gives_away, plan_in
from tests.harness.clinic import fill
from tests.harness.command_line import transfuse
from tests.harness.databases import PREFIX, allow_reading, filled
from tests.harness.firehose import firehose
from tests.harness.installation import installed
from tests.harness.ledger import ledger_of
from tests.harness.servers import Servers
from tests.harness.services import services
from transfuse.exit_codes import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


async def test_planted_people_appear_nowhere_outside_the_target(servers: Servers) -> None:
    legacy = await filled(servers.postgres, f"{PREFIX}canary", lambda url: fill(url, LEGACY))
    await filled(servers.postgres, f"{PREFIX}canary_target", lambda url: fill(url, TARGET))
    places: dict[str, str | bytes] = {}
    async with (
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=await allow_reading(legacy, *TABLES),
            template=f"{PREFIX}canary_target",
            rabbitmq=servers.rabbitmq,
            variables={"LOG_LEVEL": "debug"},
        ) as installation,
        services(installation, PLAN_SECRET_CANARY_NAMESPACE=NAMESPACE) as five,
        firehose(servers.rabbitmq, Topology(prefix=installation.bus_prefix)) as published,
        ledger_of(installation) as ledger,
    ):
        last = None
        for name in PLANS:
            said = await transfuse(installation, "run", plan_in(installation.home, name), "--batch-rows", "20")
            places[f"what the command says of {name}"] = said.text
            last = await ledger.youngest(after=last)
            snapshot = await ledger.progress.read(last)
            if name == "arrives":
                assert said.code == ExitCode.WARNINGS, said.text
                assert snapshot.state is RunState.COMPLETED, said.text
                assert await arrived(installation.target) > 0
                codes = {reason.code for reason in snapshot.quarantine}
                assert len(codes) >= 5, codes
            else:
                assert said.code == ExitCode.FAILED, said.text
                assert snapshot.state is RunState.FAILED, said.text
        for words in (("status",), ("runs",)):
            places[f"what {words[0]} says"] = (await transfuse(installation, *words)).text
        places["the metrics"] = await five.metrics()
        places["the ledger"] = await ledger.text()
    assert len(published.bodies) > 20
    places["the log"] = five.log.read_text(encoding="utf-8")
    assert '"level":"debug"' in str(places["the log"]) or len(five.lines()) > 20
    places["the messages' headers"] = "\n".join(published.labels)
    places["the messages' bodies"] = b"\n".join(published.bodies)
    assert [place for place, content in places.items() if gives_away(content)] == []


async def test_planted_people_appear_nowhere_when_one_process_does_it_all(servers: Servers) -> None:
    legacy = await filled(servers.postgres, f"{PREFIX}canary", lambda url: fill(url, LEGACY))
    await filled(servers.postgres, f"{PREFIX}canary_target", lambda url: fill(url, TARGET))
    async with (
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=await allow_reading(legacy, *TABLES),
            template=f"{PREFIX}canary_target",
        ) as installation,
        ledger_of(installation) as ledger,
    ):
        heard = []
        for name, code in (("arrives", ExitCode.WARNINGS), ("broken-in-the-target", ExitCode.FAILED)):
            variables = {"PLAN_SECRET_CANARY_NAMESPACE": NAMESPACE, "LOG_LEVEL": "debug"}
            said = await transfuse(installation, "run", plan_in(installation.home, name), **variables)
            assert said.code == code, said.text
            heard.append(said.text)
        assert await arrived(installation.target) > 0
        heard.append(await ledger.text())
        heard += [file.read_text(encoding="utf-8") for file in installation.home.glob("*.log")]
    assert len(heard) > 3
    assert [gives_away(text) for text in heard] == [[]] * len(heard)


def test_the_canary_is_found_where_it_sings() -> None:
    assert gives_away(f"row (ann.{TOKEN.upper()}1@example.test)")
    assert gives_away(Path("x" + TOKEN).name.encode().hex())
    assert not gives_away("a row was refused")
