"""The script that makes `.venv`, without making one."""

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / ".make" / "environment.py"
PROJECT = '[project]\nname = "x"\n[tool.ruff]\nline-length = 80\n'


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, looking at a checkout of its own, on a machine that has Node."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("make_environment", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "uv.lock").write_text("version = 1\n", encoding="utf-8")
    for name, value in {
        "CHECKOUT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "STAMP": venv / "stamp.json",
        "SCRATCH": tmp_path / ".transfuse",
    }.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module, "find_npm", lambda venv: ["npm"])
    monkeypatch.chdir(tmp_path)
    return module


def stamp(script: ModuleType, **changes: str) -> str:
    fingerprint = str(script.fingerprint_of_inputs())
    content = {"variant": "test", "fingerprint": fingerprint, "checkout": str(script.CHECKOUT)} | changes
    script.STAMP.write_text(json.dumps(content), encoding="utf-8")
    return fingerprint


def test_an_environment_for_the_tests_serves_the_demo_but_not_the_other_way_round(script: ModuleType) -> None:
    fingerprint = stamp(script)
    assert script.is_current("demo", fingerprint)
    assert script.is_current("test", fingerprint)
    stamp(script, variant="demo")
    assert script.is_current("demo", fingerprint)
    assert not script.is_current("test", fingerprint)


def test_an_environment_for_the_tests_has_node_which_the_demo_does_without(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint = stamp(script)
    monkeypatch.setattr(script, "find_npm", lambda venv: None)
    assert script.is_current("demo", fingerprint)
    assert not script.is_current("test", fingerprint)


@pytest.mark.parametrize(
    ("variant", "npm", "groups"),
    (("demo", None, ["--no-dev"]), ("test", ["npm"], []), ("test", None, ["--group", "dashboard"])),
)
def test_node_comes_from_a_package_only_where_it_is_needed_and_missing(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, variant: str, npm: list[str] | None, groups: list[str]
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(script, "find_npm", lambda venv: npm)
    monkeypatch.setattr(script, "settings_of_pip", lambda environ: {})
    monkeypatch.setattr(script, "uv_settings_name_an_index", lambda environ: False)
    monkeypatch.setattr(script, "run", lambda command, environ: commands.append(command))
    script.install("uv", variant, {})
    assert commands == [["uv", "sync", "--frozen", "--all-extras", *groups]]


def test_an_environment_of_a_moved_folder_is_not_current(script: ModuleType) -> None:
    assert not script.is_current("demo", stamp(script, checkout="/elsewhere"))


def test_new_packages_make_it_stale_and_settings_of_tools_do_not(script: ModuleType) -> None:
    before = script.fingerprint_of_inputs()
    Path("pyproject.toml").write_text(PROJECT.replace("80", "120"), encoding="utf-8")
    assert script.fingerprint_of_inputs() == before
    Path("uv.lock").write_text("version = 1\n[[package]]\n", encoding="utf-8")
    assert script.fingerprint_of_inputs() != before


def test_a_missing_venv_module_is_named_with_the_package_to_install(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(script.CannotContinueError, match=r"apt-get install python3\.\d+-venv"):
        script.make_venv()


def test_uv_gets_the_certificates_and_the_proxy_of_pip_unless_it_has_its_own(script: ModuleType) -> None:
    settings = {"cert": "/bundle.pem", "proxy": "http://proxy:3128"}
    assert script.with_trust_and_proxy({}, settings) == {
        "SSL_CERT_FILE": "/bundle.pem",
        "ALL_PROXY": "http://proxy:3128",
    }
    own = {"SSL_CERT_FILE": "/own.pem", "https_proxy": "http://own:1"}
    assert script.with_trust_and_proxy(own, settings) == own


def test_the_cache_moves_into_the_checkout_only_where_the_home_takes_no_files(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    assert "UV_CACHE_DIR" not in script.environment_variables()
    monkeypatch.setattr(script, "takes_files", lambda folder: False)
    assert script.environment_variables()["UV_CACHE_DIR"] == str(tmp_path / ".transfuse" / "cache" / "uv")


@pytest.mark.parametrize(
    ("text", "named"),
    (
        ('index-url = "https://mirror.example.org/simple"\n', True),
        ('[[index]]\nurl = "https://mirror.example.org/simple"\ndefault = true\n', True),
        ('[[index]]\nurl = "https://more.example.org/simple"\n', False),
    ),
)
def test_an_index_in_uvs_own_settings_is_seen(script: ModuleType, tmp_path: Path, text: str, named: bool) -> None:
    settings = tmp_path / "uv.toml"
    settings.write_text(text, encoding="utf-8")
    environ = {"UV_CONFIG_FILE": str(settings), "XDG_CONFIG_HOME": os.devnull}
    assert script.uv_settings_name_an_index(environ) is named
