"""YAML 1.2 for plans: every scalar stays the text that was written, every node keeps its place.

Built on PyYAML's events, of which no tag is ever resolved: `NO`, `on`, `010`, `1_000` and dates are text, and whoever
expects a number or a truth value asks for one (`YamlScalar.boolean`, `.integer`), by the core schema. Anchors, aliases,
tags, merge keys, several documents and repeated keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Protocol

import msgspec
import yaml

from shared.plan.position import Position
from shared.plan.report import Report
from shared.plan.yaml_words import mark_of, words_of

MAX_DEPTH = 40
MAX_NODES = 30_000
"""Keys, values and lists of one file; reading so many takes some seconds."""
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
LIBYAML = getattr(yaml, "CSafeLoader", None)
TAKEN_OTHERWISE = re.compile("[\t?\r\x85\u2028\u2029\ufeff]")
INTEGER = re.compile(r"[-+]?[0-9]+")


class YamlScalar(msgspec.Struct, frozen=True, kw_only=True):
    """A scalar as written; `plain` if it has no quotes and is no block. `position` is that of its first character."""

    value: str
    plain: bool
    position: Position

    @property
    def is_null(self) -> bool:
        """Whether the core schema reads it as null."""
        return self.plain and self.value in NULLS

    @property
    def boolean(self) -> bool | None:
        """Its truth value by the core schema, None if it has none."""
        return BOOLEANS.get(self.value) if self.plain else None

    @property
    def integer(self) -> int | None:
        """Its integer by the core schema (decimal only), None if it is none."""
        return int(self.value) if self.plain and INTEGER.fullmatch(self.value) else None


class YamlSequence(msgspec.Struct, frozen=True, kw_only=True):
    """A list."""

    items: tuple[YamlNode, ...]
    position: Position


class YamlMapping(msgspec.Struct, frozen=True, kw_only=True):
    """Keys and values in the order of the file, without repeats."""

    entries: tuple[tuple[YamlScalar, YamlNode], ...]
    position: Position

    def get(self, name: str) -> YamlNode | None:
        """The value of a key."""
        return next((value for key, value in self.entries if key.value == name), None)


YamlNode = YamlScalar | YamlSequence | YamlMapping


class Mark(Protocol):
    """A place as PyYAML gives it, from 0."""

    line: int
    column: int


class Stop(Exception):
    """Nothing more can be read after this."""


def read_yaml(text: str, file: str, report: Report) -> YamlNode | None:
    """The one document of a file; None if it cannot be read, with the reason in the report."""
    return Composer(text, file, report).document()


def events_of(text: str) -> Iterator[yaml.Event]:
    """The events of a text: libyaml's, a tenth of the work, where they are the same as PyYAML's own.

    libyaml takes tabs and question marks in places where PyYAML refuses them, and says less of what it refuses itself.
    """
    if LIBYAML is not None and not TAKEN_OTHERWISE.search(text):
        with suppress(yaml.YAMLError):
            return iter(list(as_far_as_read(yaml.parse(text, Loader=LIBYAML))))
    return iter(yaml.parse(text, Loader=yaml.SafeLoader))


def as_far_as_read(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    """The events until it is plain that the rest is not read: each node has two at most, and nests no deeper."""
    depth = 0
    for event in islice(events, 2 * MAX_NODES + 4):
        yield event
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH + 1:
            return


class Composer:
    """Makes nodes of PyYAML's events."""

    def __init__(self, text: str, file: str, report: Report) -> None:
        self.lines = text.splitlines()
        self.text = text
        self.file = file
        self.report = report
        self.nodes = 0

    def document(self) -> YamlNode | None:
        """The one document. Everything that is wrong is in the report."""
        try:
            self.events = events_of(self.text)
            return self.one_document()
        except yaml.MarkedYAMLError as error:
            self.report.problem(self.at(mark_of(error)), words_of(error))
        except yaml.reader.ReaderError as error:
            line = self.text.count("\n", 0, error.position) + 1
            column = error.position - (self.text.rfind("\n", 0, error.position) + 1) + 1
            self.report.problem(
                Position(file=self.file, line=line, column=column), "a character that YAML does not allow"
            )
        except Stop:
            pass
        return None

    def one_document(self) -> YamlNode | None:
        """Walk the events of the stream."""
        node: YamlNode | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent) and node is not None:
                self.report.problem(self.at(event.start_mark), "a plan is one YAML document")
                return None
            if isinstance(event, yaml.NodeEvent):
                node = self.node(event, 0)
        if node is None:
            self.report.problem(Position(file=self.file, line=1, column=1), "the file is empty")
        return node

    def node(self, event: yaml.Event, depth: int) -> YamlNode:
        """The node that an event begins."""
        position = self.at(event.start_mark)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.report.problem(position, f"more than {MAX_NODES} keys and values: too much for one plan")
            raise Stop
        if depth > MAX_DEPTH:
            self.report.problem(position, f"nested more than {MAX_DEPTH} deep")
            raise Stop
        if isinstance(event, yaml.AliasEvent):
            self.report.problem(position, "aliases are not part of the plan language: write the value again")
            raise Stop
        self.refuse_properties(event, position)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return YamlSequence(items=tuple(self.items(depth)), position=position)
        return YamlMapping(entries=tuple(self.entries(depth)), position=position)

    def refuse_properties(self, event: yaml.Event, position: Position) -> None:
        """Note anchors and tags."""
        if getattr(event, "anchor", None) is not None:
            self.report.problem(position, "anchors are not part of the plan language: write the value again")
        if getattr(event, "tag", None) is not None:
            self.report.problem(position, "tags are not part of the plan language")

    def items(self, depth: int) -> list[YamlNode]:
        """The items of a list up to its end."""
        found: list[YamlNode] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self.node(event, depth + 1))
        return found

    def entries(self, depth: int) -> list[tuple[YamlScalar, YamlNode]]:
        """The entries of a mapping up to its end, repeats noted and left out."""
        found: dict[str, tuple[YamlScalar, YamlNode]] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            value = self.node(next(self.events), depth + 1)
            if not isinstance(key, YamlScalar):
                self.report.problem(key.position, "a key is a text, not a list or a mapping")
            elif key.plain and key.value == "<<":
                self.report.problem(key.position, "merge keys are not part of the plan language")
            elif key.value in found:
                first = found[key.value][0].position.line
                self.report.problem(key.position, f"key {key.value!r} is repeated: it stands already in line {first}")
            else:
                found[key.value] = (key, value)
        return list(found.values())

    def scalar(self, event: yaml.ScalarEvent) -> YamlScalar:
        """A scalar at the place of its first character."""
        position = self.at(event.start_mark)
        if event.style in {"'", '"'}:
            position = msgspec.structs.replace(position, column=position.column + 1)
        elif event.style in {"|", ">"}:
            position = self.block_start(position.line)
        return YamlScalar(value=event.value, plain=not event.style, position=position)

    def block_start(self, line: int) -> Position:
        """The first character of a block scalar whose header ends before a line (from 0)."""
        filled = next((text for text in self.lines[line:] if text.strip()), "")
        return Position(file=self.file, line=line + 1, column=len(filled) - len(filled.lstrip(" ")) + 1)

    def at(self, mark: Mark | None) -> Position:
        """A mark of PyYAML's, which counts from 0."""
        if mark is None:
            return Position(file=self.file, line=1, column=1)
        return Position(file=self.file, line=mark.line + 1, column=mark.column + 1)
