"""The demo, and what it says one can do afterwards."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.harness.command_line import heard, said, started, transfuse
from tests.harness.installation import Installation
from transfuse.exit_codes import ExitCode

EMAIL, PASSWORD = "ops@example.org", "walnut harbour 41"


def words_of(text: str, command: str) -> list[str]:
    """A `transfuse` command as it was shown, without what explains it."""
    shown = next(line for line in text.splitlines() if command in line).split("transfuse ", 1)[1]
    return shlex.split(shown.split("   ")[0])


@pytest.mark.e2e
async def test_the_finished_run_of_the_demo_is_to_be_seen_in_the_dashboard(open_path: Path) -> None:
    home = open_path / "demo"
    installation = Installation(home=home, legacy="", target="", role_prefix="", bus_prefix="", rabbitmq=None)
    demo = await transfuse(installation, "demo", "--scale", "0.005", "--home", str(home))
    assert demo.code == ExitCode.OK, demo.text
    async with started(installation, *words_of(demo.out, "up --embedded"), API_PORT="0") as up:
        lines = await heard(up, "The password of PostgreSQL is in")
        add = [EMAIL if word == "EMAIL" else word for word in words_of("".join(lines), "user add")]
        assert (await transfuse(installation, *add, "--password-stdin", typed=f"{PASSWORD}\n")).code == ExitCode.OK
        url = next(line for line in lines if "The dashboard is at" in line).split(" at ")[1].strip()
        async with aiohttp.ClientSession(url) as client:
            async with client.get("/migrations") as response:
                assert (response.status, response.content_type) == (200, "text/html")
            async with client.post("/api/auth/login", json={"email": EMAIL, "password": PASSWORD}) as response:
                headers = {"Authorization": f"Bearer {(await response.json())['accessToken']}"}
            async with client.get("/api/migrations", headers=headers) as response:
                (migration,) = (await response.json())["migrations"]
            assert (migration["name"], migration["status"]) == ("portal", "completed")
        up.send_signal(signal.SIGINT)
        assert (await said(up)).code == ExitCode.OK
