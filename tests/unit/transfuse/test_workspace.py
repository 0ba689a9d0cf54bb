"""What a workspace keeps, and what a service gets of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.core.errors import Refused
from shared.settings.service import ServiceSettings
from transfuse.operator import LedgerAccess
from transfuse.workers import alone
from transfuse.workspace import CREDENTIALS, EMBEDDED, SERVICES, Workspace

URL = "postgresql://u:p%3D@127.0.0.1:5432/target"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "home")
    made.write({service: {"LEDGER_DATABASE_URL": URL, EMBEDDED: "yes"} for service in SERVICES})
    return made


def test_only_the_owner_reads_what_is_kept_also_where_a_file_was_open(workspace: Workspace) -> None:
    (workspace.services / "loader.env").chmod(0o644)
    workspace.write({"loader": {"A": "b=c"}})
    assert {path.stat().st_mode & 0o777 for path in workspace.services.iterdir()} == {0o600}
    assert workspace.services.stat().st_mode & 0o777 == 0o700
    assert workspace.kept("loader") == {"A": "b=c"}


def test_no_credential_of_the_process_reaches_a_service(workspace: Workspace) -> None:
    process = {name: "secret" for name in CREDENTIALS if not name.endswith("DATABASE_URL")}
    found = workspace.environment("gateway", {**process, "LANG": "C", "LEDGER_DATABASE_URL": URL})
    assert found == {"LANG": "C", "LEDGER_DATABASE_URL": URL, EMBEDDED: "yes"}


@pytest.mark.parametrize("other", ("postgresql://u@127.0.0.1:5433/target", "postgresql://u@127.0.0.1/other"))
def test_another_database_than_the_one_of_init_is_refused(workspace: Workspace, other: str) -> None:
    with pytest.raises(Refused) as refused:
        workspace.environment("gateway", {"LEDGER_DATABASE_URL": other})
    assert refused.value.code == "other_database"
    assert "LEDGER_DATABASE_URL" in str(refused.value)
    assert other not in str(refused.value)


def test_the_same_database_written_otherwise_is_the_same(workspace: Workspace) -> None:
    found = workspace.environment("gateway", {"LEDGER_DATABASE_URL": "postgresql://admin@127.0.0.1/target"})
    assert found["LEDGER_DATABASE_URL"] == URL


def test_a_workspace_follows_its_embedded_server_to_another_port(workspace: Workspace) -> None:
    workspace.embedded.mkdir()
    workspace.move(6000)
    assert {workspace.kept(service)["LEDGER_DATABASE_URL"] for service in SERVICES} == {URL.replace("5432", "6000")}


def test_a_workspace_for_another_server_is_not_moved(workspace: Workspace) -> None:
    workspace.move(6000)
    assert workspace.kept("gateway")["LEDGER_DATABASE_URL"] == URL


def test_without_init_the_remedy_is_init(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        Workspace(tmp_path / "home").load(LedgerAccess, "gateway", {})
    assert refused.value.code == "not_initialised"
    assert "transfuse init" in refused.value.remedy
    assert not (tmp_path / "home").exists()


def test_without_init_the_processs_own_settings_are_enough(tmp_path: Path) -> None:
    settings = Workspace(tmp_path).load(LedgerAccess, "gateway", {"LEDGER_DATABASE_URL": URL})
    assert settings.ledger.database == "target"


def test_after_init_a_missing_setting_is_named_as_such(workspace: Workspace) -> None:
    with pytest.raises(Refused) as refused:
        workspace.load(ServiceSettings, "gateway", {})
    assert refused.value.code == "settings_invalid"
    assert "RABBITMQ_URL" in str(refused.value)


def test_a_home_that_cannot_be_used_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    with pytest.raises(Refused) as refused:
        Workspace(tmp_path / "file").write({"loader": {}})
    assert refused.value.code == "workspace_unusable"
    assert "--home" in refused.value.remedy


def test_a_damaged_file_is_named_and_not_repeated(workspace: Workspace) -> None:
    (workspace.services / "loader.env").write_text("078-05-1120\n", encoding="ascii")
    with pytest.raises(Refused, match=r"loader\.env is damaged") as refused:
        workspace.kept("loader")
    assert "078" not in str(refused.value)


def test_one_process_at_a_time_works_on_a_workspace(workspace: Workspace) -> None:
    with alone(workspace) as first, alone(workspace) as second:
        assert (first, second) == (True, False)
    with alone(workspace) as again:
        assert again


def test_the_namespace_of_a_plan_goes_to_the_transformer_alone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write({service: {"LEDGER_DATABASE_URL": URL} for service in SERVICES})
    process = {"PLAN_SECRET_CLINIC": "a namespace", "PLAN_SECRET_OTHER_FILE": "a path", "LANG": "C"}
    for service in SERVICES:
        found = workspace.environment(service, process).keys() & process.keys()
        assert found == (process.keys() if service == "transformer" else {"LANG"})
