"""Which names of two databases mean the same: equal ones, and those that are only likely to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from shared.postgres.catalog import ColumnType
from shared.postgres.identifiers import Identifier

PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
RESERVED = frozenset(
    """all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
    current_date current_role current_time current_timestamp current_user default deferrable desc distinct do else end
    except false fetch for foreign from full grant group having in initially inner intersect into is join lateral
    leading left like limit localtime localtimestamp natural not null offset on only or order outer overlaps placing
    primary references returning right select session_user similar some symmetric table then to trailing true union
    unique user using variadic verbose when where window with""".split()  # noqa: SIM905 - a list of words reads as one
)
"""Words that SQL keeps for itself, in PostgreSQL or DuckDB: a name like them is quoted."""
GROUPS = (
    frozenset({"smallint", "integer", "bigint"}),
    frozenset({"text", "character varying", "character", "citext", "name"}),
    frozenset({"json", "jsonb"}),
    frozenset({"real", "double precision"}),
)
"""Types whose values are the same things."""
LIKE = 0.75
LENGTH = re.compile(r"\(.*\)")


def quoted(name: str) -> str:
    """A name as an author writes it: in quotes only where SQL needs them."""
    return name if PLAIN.fullmatch(name) and name not in RESERVED else str(Identifier(name))


def singular(word: str) -> str:
    """A word without the plural of English table names."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, small and in the singular: `OrderItems`, `order_items` and `order_item` are one."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return tuple(singular(word) for word in re.split(r"[^a-z0-9]+", split) if word)


def same_table(legacy: str, target: str, prefixes: frozenset[str]) -> bool:
    """Whether two tables have one name, plural and the prefix that many legacy tables share left aside."""
    words = words_of(legacy)
    return words_of(target) in {words, words[1:] if words and words[0] in prefixes else words}


def shared_prefixes(names: Iterable[str]) -> frozenset[str]:
    """First words that three or more names begin with: the applications that the tables belong to."""
    first = [words[0] for name in names if len(words := words_of(name)) > 1]
    return frozenset(word for word in first if first.count(word) > 2)


def same_type(one: ColumnType, other: ColumnType) -> bool:
    """Whether every value of the one type is a value of the other, lengths left aside."""
    first, second = (LENGTH.sub("", kind.base_name or kind.name).strip() for kind in (one, other))
    return first == second or any({first, second} <= group for group in GROUPS)


def near_names(wanted: str, names: Iterable[str], *, most: int = 2) -> list[str]:
    """Names that are likely to mean the same, the nearest first."""
    by_words = {"_".join(words_of(name)): name for name in names}
    looked = "_".join(words_of(wanted))
    near = get_close_matches(looked, list(by_words), n=most, cutoff=LIKE)
    if len(looked) > 3:
        near += [
            words
            for words in by_words
            if words not in near and (words.endswith(f"_{looked}") or looked.endswith(f"_{words}"))
        ]
    return [by_words[words] for words in near[:most]]
