"""What an expression becomes while it is rewritten."""

from __future__ import annotations

import msgspec

from shared.core.errors import Refused
from shared.plan.expressions import Node, print_sql
from shared.plan.nodes import LEAVES


class BadUse(Refused):
    """The expression cannot be compiled; the text says why, without a value."""

    code = "bad_use"


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A rewritten expression and the highest layer it reads."""

    node: Node
    layer: int

    @property
    def simple(self) -> bool:
        """Whether repeating it costs nothing."""
        return self.node["class"] in LEAVES

    @property
    def sql(self) -> str:
        """The expression as SQL."""
        return print_sql(self.node)
