"""HTML that is written element by element: every text is escaped, and nothing else makes markup."""

from __future__ import annotations

from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Markup:
    """One element. A child that is no Markup is escaped; `class_` stands for `class`, an underscore for a dash."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items() if value
    )
    return Markup(f"<{name}{given}>{''.join(map(_written, children))}</{name}>")


def joined(*children: str) -> Markup:
    """Children one after the other, without an element around them."""
    return Markup("".join(map(_written, children)))


def _written(child: str) -> str:
    return str(child) if isinstance(child, Markup) else escape(child)
