"""What goes over the API and the sockets as JSON: frozen, named, in camelCase."""

from __future__ import annotations

import msgspec


class Document(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of every JSON document that leaves a service."""


class Form(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of every JSON document that a service is sent, and of parameters: unknown names are errors."""
