"""The difference between two plans for people (`transfuse plan diff`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.plan.diff import Change, Kind, PartDiff, PlanDiff

SIGNS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~", Kind.RENAMED: "~"}


def diff_text(diff: PlanDiff) -> str:
    """The difference as plain text: `+` is new, `-` is gone, `~` is said differently."""
    lines = [f"old {diff.old_hash[:12]}, new {diff.new_hash[:12]}"]
    if diff.same:
        return f"{lines[0]}: both do the same\n"
    lines += [line for change in diff.plan for line in _change(change, "")]
    lines += [line for part in diff.mappings for line in _part("mapping", part)]
    lines += [line for part in diff.codebooks for line in _part("code book", part)]
    lines += [line for change in diff.unmapped for line in _change(_listed(change), "")]
    lines += [f"! {warning}" for warning in diff.warnings]
    return "\n".join(lines) + "\n"


def _listed(change: Change) -> Change:
    return Change(what=f"unmapped {change.what}", old=change.old, new=change.new)


def _part(what: str, part: PartDiff) -> Iterator[str]:
    was = f", was {part.old_name}" if part.old_name else ""
    yield f"{SIGNS[part.kind]} {what} {part.name} ({part.kind.value}{was})"
    if part.kind is not Kind.REMOVED:
        yield from (line for change in part.changes for line in _change(change, "    "))


def _change(change: Change, indent: str) -> Iterator[str]:
    """One line where both texts are short, else one for each line of either."""
    sign = f"{indent}{SIGNS[change.kind]} {change.what}"
    old, new = change.old, change.new
    if change.kind is Kind.CHANGED and _is_line(old) and _is_line(new):
        yield f"{sign}: {old} -> {new}"
    elif change.kind is not Kind.CHANGED and _is_line(old or new):
        yield f"{sign}: {old or new}"
    else:
        yield f"{sign}:"
        yield from _quoted("-", old, indent)
        yield from _quoted("+", new, indent)


def _quoted(sign: str, text: str | None, indent: str) -> Iterable[str]:
    return (f"{indent}    {sign} {line}" for line in (text or "").splitlines())


def _is_line(text: str | None) -> bool:
    return text is not None and "\n" not in text
