"""The steps that the services name, as their source has them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.harness.installation import ROOT
from transfuse.workspace import SERVICES

PLACES = ("services", "shared")
NAME = re.compile(rf"({'|'.join(SERVICES)})\.[a-z_]+")


def failpoint_names() -> tuple[str, ...]:
    """Every name that is given to `failpoint`; one that begins with the stage's own name counts once for each stage."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in _files()]
    stages = sorted({name for tree in trees for name in _stages(tree)})
    names = [name for tree in trees for name in _names(tree, stages)]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"a name stands for two steps: {', '.join(sorted(twice))}"
    return tuple(sorted(names))


def _files() -> Iterator[Path]:
    for place in PLACES:
        for path in (ROOT / place).rglob("*.py"):
            if path.name != "failpoints.py":
                yield path


def _names(tree: ast.Module, stages: list[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "failpoint"):
            continue
        match node.args:
            case [ast.Constant(value=str(name))]:
                yield name
            case [
                ast.JoinedStr(values=[ast.FormattedValue(value=ast.Attribute(attr="name")), ast.Constant(value=step)])
            ]:
                yield from (f"{stage}{step!s}" for stage in stages)
            case [ast.Name()]:
                yield from _handed_on(tree)
            case _:
                raise AssertionError(f"line {node.lineno}: a failpoint's name has to stand in the code")


def _handed_on(tree: ast.Module) -> Iterator[str]:
    """The names in a file whose code hands them on before they are used."""
    used = {
        argument
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "failpoint"
        for argument in node.args
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in used and NAME.fullmatch(str(node.value)):
            yield str(node.value)


def _stages(tree: ast.Module) -> Iterator[str]:
    """The names of the stages that services are made of."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Stage":
            for keyword in node.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    yield str(keyword.value.value)
