"""The build that is committed: made from the sources beside it, and nothing in it that a gateway cannot serve well."""

import gzip
import importlib.util
import json
import re
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest

from services.gateway.dashboard import NONCE
from services.gateway.dashboard_files import MEDIA_TYPES, SOURCES, built_files

CHECKOUT = Path(__file__).resolve().parents[2]
STATIC = CHECKOUT / "services" / "gateway" / "static"
INITIAL_SCRIPT_BYTES = 250_000
REGISTRY = "https://registry.npmjs.org/"


@pytest.fixture(scope="module")
def sources() -> ModuleType:
    """The script that hashes the sources."""
    spec = importlib.util.spec_from_file_location("dashboard_sources", CHECKOUT / ".make" / "dashboard_sources.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page() -> str:
    """The one page."""
    return (STATIC / "index.html").read_text(encoding="utf-8")


def test_the_build_is_made_from_the_sources_beside_it(sources: ModuleType) -> None:
    noted = STATIC / SOURCES
    assert noted.exists(), "not built by `make dashboard`, which notes what it was built from"
    assert noted.read_text(encoding="ascii").strip() == sources.hash_of_sources(), "it is stale: run `make dashboard`"


def test_a_changed_source_shows_and_what_is_not_built_does_not(sources: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "src" / "live").mkdir(parents=True)
    for name in ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "src/main.tsx"):
        (tmp_path / name).write_bytes(b"one\ntwo\n")
    before = sources.hash_of_sources(tmp_path)
    (tmp_path / "src" / "live" / "room.test.ts").write_bytes(b"a test")
    (tmp_path / "src" / "api").mkdir()
    (tmp_path / "src" / "api" / "schema.ts").write_bytes(b"types alone")
    (tmp_path / "index.html").write_bytes(b"one\r\ntwo\r\n")
    assert sources.hash_of_sources(tmp_path) == before
    (tmp_path / "src" / "live" / "room.ts").write_bytes(b"a room")
    with_room = sources.hash_of_sources(tmp_path)
    assert with_room != before
    (tmp_path / "src" / "live" / "room.ts").rename(tmp_path / "src" / "room.ts")
    assert sources.hash_of_sources(tmp_path) not in {before, with_room}


def test_every_file_has_a_type_and_none_tells_the_sources() -> None:
    files = built_files()
    assert {PurePosixPath(path).suffix for path in files} <= MEDIA_TYPES.keys()
    for path, file in files.items():
        assert b"sourceMappingURL" not in file.content, path


def test_the_page_runs_no_script_of_its_own_and_loads_only_from_the_gateway(page: str) -> None:
    assert page.encode().count(NONCE) == 1
    assert not re.search(r"<script(?![^>]*\ssrc=)", page), "an inline script would be refused by the page's policy"
    assert not re.search(r"\s(?:style|on[a-z]+)=", page)
    assert "<style" not in page
    assert all(address.startswith("/") for address in re.findall(r'(?:src|href)="([^"]*)"', page))


def test_the_first_page_needs_little_script(page: str) -> None:
    scripts = re.findall(r'(?:src|href)="/([^"]*\.js)"', page)
    assert scripts
    sent = sum(len(gzip.compress((STATIC / path).read_bytes())) for path in scripts)
    assert sent <= INITIAL_SCRIPT_BYTES
    print(f"\ndashboard: {sent / 1000:.0f} kB of script, compressed, before the first page")  # noqa: T201


def test_the_lock_names_no_registry_but_the_public_one() -> None:
    lock = json.loads((CHECKOUT / "dashboard" / "package-lock.json").read_text(encoding="utf-8"))
    resolved = {package["resolved"] for package in lock["packages"].values() if "resolved" in package}
    assert all(address.startswith(REGISTRY) for address in resolved)
    unhashed = [path for path, package in lock["packages"].items() if path and "integrity" not in package]
    assert unhashed == []


def test_the_lock_has_the_builds_of_every_platform() -> None:
    packages = json.loads((CHECKOUT / "dashboard" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    locked = {path.rpartition("node_modules/")[2] for path in packages}
    for path, package in packages.items():
        missing = [name for name in package.get("optionalDependencies", {}) if name not in locked]
        assert missing == [], f"`npm ci` refuses a lock that lacks what {path} may need elsewhere"
