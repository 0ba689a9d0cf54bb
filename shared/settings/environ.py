"""The environment as the readers see it: `NAME` or the content of the file that `NAME_FILE` names."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Environment(StrEnum):
    """Where the process runs. Production refuses every plaintext connection."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class Complaint(Exception):
    """One or more sentences about variables that are missing or bad, without any value."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(*sentences)
        self.sentences = sentences


class Environ:
    """Variables by name; an empty variable counts as missing."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def find(self, name: str) -> str | None:
        """The stripped text of `name` or of the file that `<name>_FILE` names; None when neither is set.

        Raises Complaint when both are set or the file cannot be read.
        """
        direct = self._variables.get(name, "").strip() or None
        file_name = self._variables.get(f"{name}_FILE", "").strip()
        if not file_name:
            return direct
        if direct is not None:
            raise Complaint(f"{name} and {name}_FILE are both set: keep one of them")
        try:
            return Path(file_name).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError, ValueError) as error:
            sentence = f"{name}_FILE names a file that cannot be read ({type(error).__name__})"
            raise Complaint(sentence) from error

    def any_set(self, *names: str) -> bool:
        """Whether one of the variables, or its `_FILE` form, is set."""
        return any(self._variables.get(n + suffix, "").strip() for n in names for suffix in ("", "_FILE"))

    @property
    def environment(self) -> Environment:
        """ENVIRONMENT, development when missing; raises Complaint for another word."""
        text = self.find("ENVIRONMENT")
        try:
            return Environment(text or Environment.DEVELOPMENT)
        except ValueError:
            raise Complaint(f"ENVIRONMENT must be one of {', '.join(Environment)}") from None

    @property
    def is_production(self) -> bool:
        """Whether plaintext connections are refused; an unknown ENVIRONMENT is treated as production."""
        try:
            return self.environment is Environment.PRODUCTION
        except Complaint:
            return True
