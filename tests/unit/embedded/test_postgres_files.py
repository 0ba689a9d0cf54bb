import os
from pathlib import Path

import pytest

from shared.core.errors import EmbeddedPostgresFailed
from transfuse.embedded.identity import Identity
from transfuse.embedded.postgres_files import PostgresFiles


@pytest.fixture
def files(tmp_path: Path) -> PostgresFiles:
    (tmp_path / "data").mkdir()
    return PostgresFiles(home=tmp_path, identity=Identity(name="us", uid=os.geteuid(), gid=os.getegid()))


@pytest.mark.parametrize(
    ("line", "reason"),
    (
        ('could not bind IPv4 address "127.0.0.1": Address already in use', "port"),
        ('could not write to file "base/1": No space left on device', "disk"),
        ("could not map anonymous shared memory: Cannot allocate memory", "memory"),
        ("database files are incompatible with server", "version"),
        ("something else", "unknown"),
    ),
)
def test_the_log_of_a_failed_start_gives_the_reason(files: PostgresFiles, line: str, reason: str) -> None:
    files.begin_log()
    files.log.write_text(f"2026-01-01 00:00:00 UTC [1] FATAL:  {line}\n", encoding="utf-8")
    assert files.why_the_start_failed() == reason


def test_settings_are_quoted_and_private(files: PostgresFiles) -> None:
    files.write_settings(5555, {"application_name": "it's \\ here"})
    path = files.data / "transfuse.conf"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert "application_name = 'it''s \\\\ here'" in lines
    assert "port = '5555'" in lines
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_setting_cannot_smuggle_in_another(files: PostgresFiles) -> None:
    with pytest.raises(EmbeddedPostgresFailed):
        files.write_settings(5555, {"fsync = off\nport": "1"})
