"""The file that keeps a sign-in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from shared.core.errors import Refused
from transfuse.remote.address import api_address
from transfuse.remote.kept_session import KeptSession, SessionFile, session_file

SESSION = KeptSession(
    api="https://portal.example.org",
    email="ops@example.org",
    cookies={"transfuse_refresh": "kept-secret"},
    access_token="token-secret",
    expires_at=1.0,
)


def test_each_gateway_has_a_file_of_its_own_below_the_configured_folder(tmp_path: Path) -> None:
    texts = ("https://a.example.org", "https://a.example.org:8443", "http://127.0.0.1:443", "http://[::1]:443")
    places = [session_file(api_address(text), {"XDG_CONFIG_HOME": str(tmp_path)}).path for text in texts]
    assert len(set(places)) == len(texts)
    assert {place.parent for place in places} == {tmp_path / "transfuse" / "sessions"}
    at_home = session_file(api_address(texts[0]), {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "not/absolute"})
    assert at_home.path.is_relative_to(tmp_path / ".config" / "transfuse")


def test_what_is_kept_is_for_its_owner_only(tmp_path: Path) -> None:
    file = SessionFile(tmp_path / "a" / "b" / "one.json")
    assert file.read() is None
    file.write(SESSION)
    assert file.read() == SESSION
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in file.path.parent.iterdir()] == ["one.json"]
    file.forget()
    file.forget()
    assert file.read() is None


@pytest.mark.parametrize("mode", (0o640, 0o604, 0o666))
def test_a_file_that_others_may_read_is_not_used(tmp_path: Path, mode: int) -> None:
    file = SessionFile(tmp_path / "one.json")
    file.write(SESSION)
    file.path.chmod(mode)
    with pytest.raises(Refused) as refused:
        file.read()
    assert refused.value.code == "session_exposed"


@pytest.mark.parametrize("content", (b"", b"{}", b"\xff", b'{"api": 1}', msgspec.json.encode(SESSION)[:-3]))
def test_a_damaged_file_says_so_and_shows_nothing(tmp_path: Path, content: bytes) -> None:
    file = SessionFile(tmp_path / "one.json")
    file.write(SESSION)
    file.path.write_bytes(content)
    with pytest.raises(Refused) as refused:
        file.read()
    assert refused.value.code == "session_damaged"
    assert "secret" not in f"{refused.value} {refused.value.remedy}"


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="ascii")
    with pytest.raises(Refused) as refused:
        SessionFile(tmp_path / "taken" / "one.json").write(SESSION)
    assert refused.value.code == "session_unusable"


async def test_one_at_a_time_holds_the_file(tmp_path: Path) -> None:
    order = list[str]()
    held, asked = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with SessionFile(tmp_path / "one.json").alone():
            held.set()
            await asked.wait()
            order.append("first leaves")

    async def second() -> None:
        await held.wait()
        asked.set()
        async with SessionFile(tmp_path / "one.json").alone():
            order.append("second enters")

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(first())
        tasks.create_task(second())
    assert order == ["first leaves", "second enters"]
