"""The keys of one YAML mapping, asked for by name and kind; what is missing, other or unknown goes to the report."""

from __future__ import annotations

from collections.abc import Iterator

from shared.plan.model import Text
from shared.plan.position import Position
from shared.plan.report import Report
from shared.plan.yaml_document import YamlMapping, YamlNode, YamlScalar, YamlSequence


class Fields:
    """One YAML mapping being read; `done` reports the keys that nobody asked for."""

    def __init__(self, node: YamlMapping, what: str, report: Report) -> None:
        self.node = node
        self.what = what
        self.report = report
        self.asked: dict[str, None] = {}

    @property
    def position(self) -> Position:
        """Where the mapping begins."""
        return self.node.position

    def take(self, name: str) -> YamlNode | None:
        """The value of a key, None without it."""
        self.asked[name] = None
        return self.node.get(name)

    def required(self, name: str) -> YamlNode | None:
        """The value of a key that must be there."""
        node = self.take(name)
        if node is None:
            self.report.problem(self.position, f"{self.what} needs {name!r}")
        return node

    def text(self, name: str, *, required: bool = False) -> Text | None:
        """A text that is not empty."""
        node = self.required(name) if required else self.take(name)
        return None if node is None else text_of(node, f"{name!r} of {self.what}", self.report)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of some words."""
        node = self.take(name)
        return default if node is None else choice_of(node, f"{name!r}", choices, self.report) or default

    def boolean(self, name: str, *, default: bool) -> bool:
        """True or false."""
        node = self.take(name)
        if node is None:
            return default
        value = node.boolean if isinstance(node, YamlScalar) else None
        if value is None:
            self.report.problem(node.position, f"{name!r} of {self.what} is true or false")
            return default
        return value

    def fields(self, name: str) -> Fields | None:
        """A mapping."""
        node = self.take(name)
        if node is None:
            return None
        return fields_of(node, f"{name!r} of {self.what}", self.report)

    def entries(self, name: str, *, required: bool = False) -> tuple[tuple[YamlScalar, YamlNode], ...]:
        """The entries of a mapping whose keys are names of the author's."""
        node = self.required(name) if required else self.take(name)
        found = None if node is None else fields_of(node, f"{name!r} of {self.what}", self.report)
        return () if found is None else found.node.entries

    def items(self, name: str, *, required: bool = False) -> tuple[YamlNode, ...]:
        """The items of a list."""
        node = self.required(name) if required else self.take(name)
        if node is None:
            return ()
        if not isinstance(node, YamlSequence):
            self.report.problem(node.position, f"{name!r} of {self.what} is a list")
            return ()
        return node.items

    def texts(self, name: str) -> tuple[Text, ...]:
        """A list of texts."""
        found = (text_of(item, f"an item of {name!r}", self.report) for item in self.items(name))
        return tuple(text for text in found if text is not None)

    def later(self, name: str, what: str) -> None:
        """A key that this version knows and refuses."""
        if self.node.get(name) is not None:
            self.report.later(self.key_position(name), what)
        self.asked[name] = None

    def key_position(self, name: str) -> Position:
        """Where a key stands."""
        return next((key.position for key, _ in self.node.entries if key.value == name), self.position)

    def done(self) -> None:
        """Report the keys that are not known."""
        for key, _ in self.node.entries:
            if key.value not in self.asked:
                message = f"{key.value!r} is not a key of {self.what}"
                self.report.problem(key.position, message, wrong=key.value, known=self.asked)


def fields_of(node: YamlNode, what: str, report: Report) -> Fields | None:
    """A node that must be a mapping."""
    if not isinstance(node, YamlMapping):
        dashes = ", without dashes in front of them" if isinstance(node, YamlSequence) else ""
        report.problem(node.position, f"{what} is a mapping of keys to values{dashes}")
        return None
    return Fields(node, what, report)


def text_of(node: YamlNode, what: str, report: Report) -> Text | None:
    """A node that must be a text, not empty."""
    if not isinstance(node, YamlScalar):
        report.problem(node.position, f"{what} is a text")
        return None
    if not node.value.strip() or (node.plain and node.value == "~"):
        report.problem(node.position, f"{what} is empty")
        return None
    return Text(value=node.value, position=node.position)


def choice_of(node: YamlNode, what: str, choices: tuple[str, ...], report: Report) -> str | None:
    """A node that must be one of some words."""
    value = node.value if isinstance(node, YamlScalar) else ""
    if value not in choices:
        report.problem(node.position, f"{what} is one of {', '.join(choices)}", wrong=value, known=choices)
        return None
    return value


def named_texts(entries: tuple[tuple[YamlScalar, YamlNode], ...], report: Report) -> Iterator[tuple[Text, Text]]:
    """Entries whose keys and values must both be texts."""
    for key, node in entries:
        value = text_of(node, f"{key.value!r}", report)
        if value is not None:
            yield Text(value=key.value, position=key.position), value
