"""What `transfuse init` leaves behind, in the database and in the files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.core.errors import Refused
from shared.postgres.pools import Session, connect
from tests.harness.databases import address_of, copied
from tests.harness.installation import Installation, installed
from transfuse.embedded.databases import databases_running
from transfuse.installation import install
from transfuse.operator import operator
from transfuse.workspace import SERVICES, Workspace

BASE = {"BUS_PREFIX", "ENVIRONMENT"}
LEDGER = "LEDGER_DATABASE_URL"


@pytest.fixture
async def installation(postgres_server: str, tmp_path: Path) -> AsyncIterator[Installation]:
    async with copied(postgres_server) as legacy, installed(tmp_path, server=postgres_server, legacy=legacy) as made:
        yield made


def process(installation: Installation, **more: str) -> dict[str, str]:
    return {"LEGACY_DATABASE_URL": installation.legacy, "TARGET_DATABASE_URL": installation.target, **more}


async def test_each_service_has_what_it_needs_and_nothing_else(installation: Installation) -> None:
    workspace = Workspace(installation.home)
    assert {service: set(workspace.kept(service)) - BASE for service in SERVICES} == {
        "gateway": {LEDGER, "JWT_SECRET", "SERVICE_TOKEN"},
        "extractor": {LEDGER, "LEGACY_DATABASE_URL", "ENCRYPTION_KEY"},
        "transformer": {LEDGER, "ENCRYPTION_KEY"},
        "loader": {"TARGET_DATABASE_URL", "ENCRYPTION_KEY", "SERVICE_TOKEN"},
        "notifier": {LEDGER, "JWT_SECRET"},
    }
    assert {path.stat().st_mode & 0o777 for path in workspace.services.iterdir()} == {0o600}


async def test_each_service_logs_in_with_a_role_of_its_own(installation: Installation) -> None:
    workspace = Workspace(installation.home)
    users = []
    for service in SERVICES:
        kept = workspace.kept(service)
        connection = await connect(address_of(kept.get(LEDGER) or kept["TARGET_DATABASE_URL"]), service, Session())
        users.append(await connection.fetchval("select current_user"))
        await connection.close()
    assert users == [f"{installation.role_prefix}_{service}" for service in SERVICES]


async def test_a_second_init_keeps_passwords_and_the_key(installation: Installation) -> None:
    workspace = Workspace(installation.home)
    before = {service: workspace.kept(service) for service in SERVICES}
    await install(workspace, process(installation), role_prefix=installation.role_prefix)
    after = {service: workspace.kept(service) for service in SERVICES}
    for name in (LEDGER, "TARGET_DATABASE_URL", "ENCRYPTION_KEY", "JWT_SECRET", "SERVICE_TOKEN"):
        assert {one: kept.get(name) for one, kept in after.items()} == {
            one: kept.get(name) for one, kept in before.items()
        }
    async with operator(installation.home) as ledger:
        assert await ledger.progress.latest() is None


async def test_with_supabase_no_secret_of_our_own_signs_tokens(installation: Installation) -> None:
    workspace = Workspace(installation.home)
    supabase = process(installation, SUPABASE_URL="https://project.supabase.co", SUPABASE_ANON_KEY="public")
    await install(workspace, supabase, role_prefix=installation.role_prefix)
    for service in ("gateway", "notifier"):
        assert workspace.kept(service)["SUPABASE_URL"] == "https://project.supabase.co"
        assert "JWT_SECRET" not in workspace.kept(service)
    assert "SUPABASE_URL" not in workspace.kept("loader")


@pytest.mark.parametrize(
    ("variables", "words"),
    (
        ({"ENCRYPTION_KEY": "078-05-1120"}, "ENCRYPTION_KEY"),
        ({"RABBITMQ_URL": "http://078-05-1120"}, "RABBITMQ_URL"),
        ({"JWT_SECRET": "078-05-1120"}, "JWT_SECRET"),
        ({"SERVICE_TOKEN": "078-05-1120"}, "SERVICE_TOKEN"),
        ({"TARGET_DATABASE_URL": ""}, "TARGET_DATABASE_URL is missing"),
        ({"LEGACY_DATABASE_URL": "mysql://078-05-1120"}, "LEGACY_DATABASE_URL must begin"),
    ),
)
async def test_a_bad_setting_is_refused_before_anything_is_written(
    installation: Installation, tmp_path: Path, variables: dict[str, str], words: str
) -> None:
    workspace = Workspace(tmp_path / "another")
    with pytest.raises(Refused) as refused:
        await install(workspace, process(installation, **variables), role_prefix=installation.role_prefix)
    assert words in str(refused.value)
    assert "078" not in str(refused.value)
    assert not workspace.home.exists()


async def test_a_ledger_of_another_version_is_named(installation: Installation) -> None:
    connection = await asyncpg.connect(installation.target)
    try:
        for statement, code in (
            ("insert into transfuse.schema_migration values (9999, 'later', 'x')", "ledger_ahead"),
            ("delete from transfuse.schema_migration where number in (1, 9999) or number > 1", "no_ledger"),
        ):
            await connection.execute(statement)
            with pytest.raises(Refused) as refused:
                async with operator(installation.home):
                    pass
            assert refused.value.code == code
    finally:
        await connection.close()


async def test_a_database_without_a_ledger_asks_for_init(
    postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with copied(postgres_server) as empty:
        monkeypatch.setenv(LEDGER, empty)
        with pytest.raises(Refused) as refused:
            async with operator(tmp_path):
                pass
    assert refused.value.code == "no_ledger"
    assert "transfuse init" in refused.value.remedy


async def test_databases_elsewhere_start_no_server(installation: Installation) -> None:
    workspace = Workspace(installation.home)
    async with databases_running(workspace, {}):
        assert not workspace.embedded.exists()
