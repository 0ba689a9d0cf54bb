import os
import shutil
from pathlib import Path

import pytest

from shared.core.errors import EmbeddedPostgresFailed
from transfuse.embedded import binaries
from transfuse.embedded.binaries import binaries_in, shipped_binaries
from transfuse.embedded.identity import Identity
from transfuse.embedded.programs import run_program

OURSELVES = Identity(name="ourselves", uid=os.geteuid(), gid=os.getegid())


def fake_postgres(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    program = folder / "postgres"
    program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n", encoding="ascii")
    program.chmod(0o755)


def test_the_newest_version_in_the_package_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_postgres(tmp_path / "brings_postgres" / "pginstall" / "bin", "9.6.24")
    fake_postgres(tmp_path / "brings_postgres" / "pginstall18" / "bin", "18.4")
    monkeypatch.setattr(binaries, "PACKAGE", "brings_postgres")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert shipped_binaries().major == 18


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "PACKAGE", "no_such_package")
    with pytest.raises(EmbeddedPostgresFailed, match="no_such_package") as caught:
        shipped_binaries()
    assert "embedded" in caught.value.remedy


def test_programs_that_do_not_run_here_are_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresFailed, match="do not run on this machine"):
        binaries_in(tmp_path)


async def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    sleep = Path(shutil.which("sleep") or "")
    with pytest.raises(EmbeddedPostgresFailed, match="did not end"):
        await run_program(sleep, "600", identity=OURSELVES, timeout_seconds=0.05)


async def test_a_program_is_outside_our_session_and_sees_no_secret_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "canary")
    told = tmp_path / "told"
    script = f'ps -o sid= -p $$ > "{told}"; echo "$PGPASSWORD" >> "{told}"; exit 3'
    assert await run_program(Path("/bin/sh"), "-c", script, identity=OURSELVES, timeout_seconds=10) == 3
    session, password = told.read_text(encoding="ascii").splitlines()
    assert int(session) != os.getsid(0)
    assert password == ""
