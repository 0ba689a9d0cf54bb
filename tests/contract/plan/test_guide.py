"""The guide to plans holds what it says: every piece of a plan in it is checked, with all those above it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import msgspec
import pytest

from shared.plan.checks import check_plan
from shared.plan.reader import plan_of_files
from transfuse.__main__ import transfuse

GUIDE = Path(__file__).parents[3] / "plans" / "README.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^(?=\w+:)", re.MULTILINE)
ENTRY = re.compile(r"^(?=  (?:- name: )?[\w-]+)", re.MULTILINE)


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the guide in a fence; `file` where it stands for a whole file."""

    language: str
    file: str
    text: str
    line: int


def blocks() -> list[Block]:
    text = GUIDE.read_text(encoding="utf-8")
    return [
        Block(language=found[1], file=found[2] or "", text=found[3], line=text.count("\n", 0, found.start()) + 1)
        for found in BLOCK.finditer(text)
    ]


BLOCKS = blocks()
PIECES = [block for block in BLOCKS if block.language == "yaml" and not block.file]
COMMANDS = [
    (block.line, line) for block in BLOCKS if block.language == "sh" for line in block.text.splitlines() if line.strip()
]


def plan_up_to(last: Block) -> dict[str, str]:
    """The files of the guide's plan with every piece up to one; a mapping that comes again replaces the first."""
    head = ""
    parts: dict[str, dict[str, str]] = {"codebooks": {}, "mappings": {}, "unmapped": {}}
    for block in PIECES[: PIECES.index(last) + 1]:
        for section in filter(str.strip, SECTION.split(block.text)):
            name, _, rest = section.partition(":")
            if name not in parts:
                head += section
                continue
            for entry in filter(str.strip, ENTRY.split(rest.partition("\n")[2])):
                parts[name][entry.strip().partition("\n")[0].partition("#")[0]] = entry
    text = head + "".join(f"{name}:\n{''.join(found.values())}" for name, found in parts.items() if found)
    if not parts["mappings"]:
        text += "mappings: []\n"
    books = {block.file: block.text for block in BLOCKS if block.language == "csv" and block.file in text}
    return {"plan.yml": text, **books}


@pytest.mark.parametrize("block", PIECES, ids=lambda block: f"line {block.line}")
def test_every_piece_of_a_plan_in_the_guide_is_sound_with_those_above_it(block: Block) -> None:
    files = plan_up_to(block)
    check_plan(plan_of_files(files))
    for name in re.findall(r"- name: (\w+)", block.text):
        assert f"  - name: {name}\n" in files["plan.yml"]


def test_the_plan_of_accounts_is_sound() -> None:
    (text,) = (block.text for block in BLOCKS if block.file == "accounts/plan.yml")
    assert check_plan(plan_of_files({"plan.yml": text})) == ()


def test_the_plan_in_several_files_is_sound() -> None:
    found = {block.file.removeprefix("several/"): block.text for block in BLOCKS if block.file.startswith("several/")}
    assert len(found) == 3
    assert check_plan(plan_of_files(found)) == ()


@pytest.mark.parametrize(("line", "words"), COMMANDS, ids=str)
def test_every_command_in_the_guide_is_one(line: int, words: str) -> None:
    name, *arguments = shlex.split(words, comments=True)
    assert name == "transfuse"
    command: click.Command = transfuse
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), arguments.pop(0))
        assert found is not None
        command = found
    _, left, _ = command.make_parser(click.Context(command)).parse_args(arguments)
    assert left == []


@pytest.mark.parametrize(
    "word",
    (
        "include:", "otherwise:", "follows:", "missing_parent:", "bad_value:", "rules:", "keep:", "unique:", "proof:",
        "triggers:", "quarantine_limit:", "content()", "WITH RECURSIVE", "--only", "plan coverage", "placeholder:",
        "retired:", "accounts:", "gone:", "changed:",
    ),
)  # fmt: skip
def test_the_guide_shows_every_part_of_the_language(word: str) -> None:
    assert any(word in block.text for block in BLOCKS)
