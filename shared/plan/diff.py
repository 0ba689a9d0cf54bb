"""What is different between two plans: mappings, columns, codes, policies, and which change gives rows other keys."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as ReadOnly
from enum import StrEnum

import msgspec

from shared.plan.gone import gone_text
from shared.plan.model import Accounts, Changed, Codebook, ColumnExpression, Mapping, ParentPolicy, Plan


class Kind(StrEnum):
    """What became of a part of a plan."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    CHANGED = "changed"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not the same: what it is, and how each plan says it; None where a plan does not say it.

    `keys`: every row that it concerns gets another UUID, and is another row for the target.
    """

    what: str
    old: str | None
    new: str | None
    keys: bool = False

    @property
    def kind(self) -> Kind:
        """Added, removed or changed."""
        return Kind.ADDED if self.old is None else Kind.REMOVED if self.new is None else Kind.CHANGED


class PartDiff(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping or a code book that is not the same. `old_name` is its name in the old plan where that was another."""

    name: str
    kind: Kind
    old_name: str = ""
    changes: tuple[Change, ...] = ()


class PlanDiff(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that two plans say differently, comments and layout left out. `warnings` are about keys."""

    old_hash: str
    new_hash: str
    plan: tuple[Change, ...]
    mappings: tuple[PartDiff, ...]
    codebooks: tuple[PartDiff, ...]
    unmapped: tuple[Change, ...]
    warnings: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both plans do the same."""
        return not (self.plan or self.mappings or self.codebooks or self.unmapped)


Said = ReadOnly[str, str]
"""What a part of a plan says, each under a name."""


def diff_plans(old: Plan, new: Plan) -> PlanDiff:
    """Compare two plans as they were read; neither has to be sound."""
    plan = tuple(changes(_plan_says(old), _plan_says(new), keys=KEYS_OF_PLAN))
    mappings = tuple(_mappings(old, new))
    return PlanDiff(
        old_hash=old.hash,
        new_hash=new.hash,
        plan=plan,
        mappings=mappings,
        codebooks=tuple(_codebooks(old, new)),
        unmapped=tuple(changes(old.unmapped, new.unmapped)),
        warnings=tuple(_warnings(plan, mappings)),
    )


def changes(old: Said, new: Said, *, keys: frozenset[str] = frozenset()) -> Iterator[Change]:
    """What is said differently, in the order of the old text, then what is new. `keys` names what makes keys."""
    for what in dict.fromkeys((*old, *new)):
        if old.get(what) != new.get(what):
            yield Change(what=what, old=old.get(what), new=new.get(what), keys=what in keys)


KEYS_OF_PLAN = frozenset({"namespace", "keys"})
KEYS_OF_MAPPING = frozenset({"key", "key_domain"})
MADE_OF_CONTENT = "content()"


def _plan_says(plan: Plan) -> dict[str, str]:
    secret = f"{{secret: {plan.namespace_secret}}}"
    return {
        "name": plan.name,
        "namespace": secret if plan.namespace_secret else plan.namespace,
        "keys": plan.keys,
        "source schema": plan.source_schema,
        "target schema": plan.target_schema,
        **({"functions": ", ".join(sorted(plan.functions))} if plan.functions else {}),
        **{f"retired {one.table}.{one.column}": one.reason for one in plan.retired},
    }


def _mappings(old: Plan, new: Plan) -> Iterator[PartDiff]:
    """Mappings by name; one whose name is new and whose key domain is not was renamed."""
    before = {mapping.name: mapping for mapping in old.mappings}
    left = {
        mapping.key_domain: mapping for mapping in old.mappings if all(m.name != mapping.name for m in new.mappings)
    }
    for mapping in new.mappings:
        known = before.get(mapping.name) or left.pop(mapping.key_domain, None)
        if known is None:
            yield PartDiff(name=mapping.name, kind=Kind.ADDED, changes=tuple(changes({}, _mapping_says(mapping))))
            continue
        found = tuple(_mapping_changes(known, mapping))
        if known.name != mapping.name:
            yield PartDiff(name=mapping.name, kind=Kind.RENAMED, old_name=known.name, changes=found)
        elif found:
            yield PartDiff(name=mapping.name, kind=Kind.CHANGED, changes=found)
    for mapping in left.values():
        yield PartDiff(name=mapping.name, kind=Kind.REMOVED)


def _mapping_changes(old: Mapping, new: Mapping) -> Iterator[Change]:
    """What two versions of a mapping say differently. Where a key is made of the row, all that is read makes it."""
    made = {*KEYS_OF_MAPPING}
    if new.content_key and old.content_key:
        made |= {"from", *(what for what in (*_columns(old), *_columns(new)))}
    return changes(_mapping_says(old), _mapping_says(new), keys=frozenset(made))


def _mapping_says(mapping: Mapping) -> dict[str, str]:
    """Everything that a mapping says, each under its name; what it leaves out is not there."""
    said = {
        "into": mapping.into.value,
        "from": mapping.from_.value.strip(),
        "key": MADE_OF_CONTENT if mapping.content_key else ", ".join(part.value for part in mapping.key),
        "key_domain": mapping.key_domain,
        "excludes": "expected" if mapping.excludes_expected else "none",
        "quarantine_limit": f"{mapping.quarantine_limit.rows} rows, share {mapping.quarantine_limit.share:g}",
        **_columns(mapping),
        **{f"follows {one.column}": one.expression.value.strip() for one in mapping.follows},
        **{f"missing_parent {column}": _policy(policy) for column, policy in mapping.missing_parent.items()},
        **{f"bad_value {column}": fate.value for column, fate in mapping.bad_value.items()},
        **{f"rule {rule.name}": f"{rule.check.value.strip()}, else {rule.otherwise.value}" for rule in mapping.rules},
        **{f"threshold {name}": f"{one.share:g}" for name, one in mapping.thresholds.items()},
        **{f"trigger {name}": fate for name, fate in mapping.triggers.items()},
    }
    if mapping.keep is not None:
        said["keep"] = mapping.keep.value.strip()
    if mapping.placeholder is not None:
        said |= {f"placeholder {column}": text.value for column, text in mapping.placeholder.columns.items()}
    if mapping.accounts is not None:
        said["accounts"] = _accounts(mapping.accounts)
    if mapping.gone is not None:
        said["gone"] = gone_text(mapping.gone)
    if mapping.changed is not Changed.SOURCE_WINS:
        said["changed"] = mapping.changed.value
    listed = {
        "required": [text.value for text in mapping.required],
        "clear": [text.value for text in mapping.clear],
        "proof": [text.value for text in mapping.proof_sums],
        "unique": [text.value for text in mapping.unique_checked],
        "functions": list(mapping.functions),
    }
    return said | {f"{key} {item}": "yes" for key, items in listed.items() for item in items}


def _columns(mapping: Mapping) -> dict[str, str]:
    return {f"column {one.column}": _expression(one) for one in mapping.columns}


def _expression(column: ColumnExpression) -> str:
    text = column.expression.value.strip()
    return f"{text} (invented)" if column.invented else text


def _policy(policy: ParentPolicy) -> str:
    fates = {
        "absent": policy.absent,
        "filtered": policy.filtered,
        "quarantined": policy.quarantined,
        "without": policy.without,
    }
    said = [f"{name}: {fate.value}" for name, fate in fates.items() if fate is not None]
    return ", ".join([*said, f"default: {policy.default.value}"])


def _accounts(accounts: Accounts) -> str:
    return f"{accounts.password} from_hash: {accounts.from_hash.value}"


def _codebooks(old: Plan, new: Plan) -> Iterator[PartDiff]:
    for name in dict.fromkeys((*old.codebooks, *new.codebooks)):
        before, after = old.codebooks.get(name), new.codebooks.get(name)
        found = tuple(changes(_book_says(before), _book_says(after)))
        if before is None or after is None:
            yield PartDiff(name=name, kind=Kind.ADDED if before is None else Kind.REMOVED, changes=found)
        elif found:
            yield PartDiff(name=name, kind=Kind.CHANGED, changes=found)


def _book_says(book: Codebook | None) -> dict[str, str]:
    if book is None:
        return {}
    said = {f"code {code}": meaning for code, meaning in book.meanings.items()}
    if book.otherwise is not None:
        said["otherwise"] = f"{book.otherwise}, {'counted' if book.warn else 'not counted'}"
    return said


def _warnings(plan: tuple[Change, ...], mappings: tuple[PartDiff, ...]) -> Iterator[str]:
    """What gives rows that were loaded before another key: they would be loaded a second time."""
    for change in plan:
        if change.keys:
            yield f"{change.what} is another: every row of every mapping gets another key"
    for part in mappings:
        found = [change.what for change in part.changes if change.keys and part.kind is not Kind.ADDED]
        if found:
            yield f"mapping {part.name}: {', '.join(found)} changed, so its rows get other keys"
