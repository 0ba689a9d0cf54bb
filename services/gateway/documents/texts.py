r"""Texts that people write: what may stand in them.

The patterns end in `$(?!\n)`: `$` alone also matches before a last line's end, and `\Z` is no pattern of JSON Schema.
"""

from __future__ import annotations

from typing import Final

LINE: Final = r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)"
"""One line, without control characters, those from U+0080 to U+009F included."""
LINE_WORDS: Final = "One line without control characters."
REASON: Final = r"^[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f]$(?!\n)"
"""The same, with a letter or sign at both ends."""
REASON_WORDS: Final = "One line without control characters, and no space at its ends."
PLAN_NAME: Final = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$(?!\n)"
PLAN_NAME_WORDS: Final = "A letter, then up to 62 letters, digits, `_` or `-`."
