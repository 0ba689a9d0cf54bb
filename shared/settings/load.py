"""Fills a settings class from the environment and reports everything that is wrong at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from shared.core.errors import SettingsInvalid
from shared.settings.environ import Complaint, Environ

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.settings.readers import Reader

S = TypeVar("S", bound=msgspec.Struct)


def load(settings_class: type[S], environ: Mapping[str, str]) -> S:
    """Make a `settings_class`, whose fields are `Annotated[type, reader]`, out of environment variables.

    Raises SettingsInvalid whose text has one line for each missing or bad variable: its name, what it is for and
    an example; never the value that was found.
    """
    variables, values, sentences = Environ(environ), dict[str, Any](), list[str]()
    for field, reader in _readers(settings_class).items():
        try:
            values[field] = reader.read(variables)
        except Complaint as complaint:
            sentences += [sentence for sentence in complaint.sentences if sentence not in sentences]
    if sentences:
        raise SettingsInvalid("\n".join(["The settings are not complete:", *(f"- {s}" for s in sentences)]))
    return settings_class(**values)


def _readers(settings_class: type[msgspec.Struct]) -> dict[str, Reader[object]]:
    """The reader of each field, in the order of the fields."""
    hints = get_type_hints(settings_class, include_extras=True)
    readers: dict[str, Reader[object]] = {}
    for field in settings_class.__struct_fields__:
        annotation = hints[field]
        if get_origin(annotation) is not Annotated:
            message = f"{settings_class.__name__}.{field} names no reader"
            raise TypeError(message)
        readers[field] = get_args(annotation)[1]
    return readers
