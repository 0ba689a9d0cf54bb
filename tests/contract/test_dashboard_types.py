"""The types that the dashboard reads documents by: those of the API as it is, also where no Node can make them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

MAKE = Path(__file__).resolve().parents[2] / ".make"
STALE = "run `make generate`"


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that writes them."""
    monkeypatch.syspath_prepend(str(MAKE))
    spec = importlib.util.spec_from_file_location("dashboard_types", MAKE / "dashboard_types.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_types_are_made_from_the_api_document_as_it_is(types: ModuleType) -> None:
    assert types.is_current(), STALE


def test_the_types_are_what_the_generator_makes_of_the_document(types: ModuleType) -> None:
    if not types.can_be_made():
        pytest.skip("the packages of the dashboard are not here: `make check` fetches them")
    assert types.SCHEMA.read_text(encoding="utf-8") == types.made(), STALE


@pytest.mark.parametrize("changed", ("document", "generator"))
def test_a_changed_document_and_a_changed_generator_show_and_a_line_end_does_not(
    types: ModuleType, changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, path in {"DOCUMENT": tmp_path / "openapi.json", "SCHEMA": tmp_path / "schema.ts"}.items():
        monkeypatch.setattr(types, name, path)
    monkeypatch.setattr(types, "DASHBOARD", tmp_path)
    package = tmp_path / "package.json"
    package.write_text(json.dumps({"devDependencies": {types.GENERATOR: "7.0.0"}}), encoding="utf-8")
    types.DOCUMENT.write_bytes(b"{\n}\n")
    types.SCHEMA.write_text(types.header(), encoding="utf-8")
    types.DOCUMENT.write_bytes(b"{\r\n}\r\n")
    assert types.is_current()
    if changed == "document":
        types.DOCUMENT.write_bytes(b'{"openapi": "3.1.0"}\n')
    else:
        package.write_text(json.dumps({"devDependencies": {types.GENERATOR: "7.0.1"}}), encoding="utf-8")
    assert not types.is_current()
