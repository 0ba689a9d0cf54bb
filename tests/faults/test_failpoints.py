"""At every step that the services name, whoever comes by is killed or fails: the run ends as if nothing was."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.harness.failpoint_names import failpoint_names
from tests.harness.failpoint_trials import failpoint_trials
from tests.harness.salvos import Salvo, failures, kills
from tests.harness.servers import Servers
from tests.harness.trials import Lost, seed_of_session

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@pytest.mark.parametrize("salvos", (kills, failures))
async def test_a_process_that_is_killed_or_fails_at_any_named_step_costs_nothing(
    servers: Servers,
    record_property: Callable[[str, object], None],
    salvos: Callable[[Iterable[str], random.Random], Iterator[Salvo]],
) -> None:
    seed = seed_of_session()
    tried, lost = 0, dict[tuple[str, ...], str]()
    async with failpoint_trials(servers) as made:
        for salvo in salvos(failpoint_names(), random.Random(seed)):  # noqa: S311 - no secret
            tried += len(salvo.names)
            try:
                await made.survives(salvo)
            except Lost as error:
                lost[salvo.names] = f"{error}; asked for: {salvo.steps}"
    survived = tried - sum(map(len, lost))
    record_property("says", f"failpoints, {salvos.__name__}: survived {survived} of {tried} (seed {seed})")
    assert not lost, "\n".join(f"{', '.join(names)}: {text}" for names, text in lost.items())
