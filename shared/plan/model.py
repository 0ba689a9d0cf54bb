"""A plan as its author wrote it: typed, checked for form, not yet held against a catalogue.

Every text that an author may get wrong keeps its position (`Text`), so that later checks can point at it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.plan.position import Position


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A scalar of the plan and where its first character stands."""

    value: str
    position: Position


class BadValue(StrEnum):
    """What happens to a value that does not fit its column."""

    QUARANTINE = "quarantine"
    KEEP_ASIDE = "keep_aside"
    NULL_IT = "null_it"


class MissingParent(StrEnum):
    """What happens to a row whose parent is not in the target."""

    QUARANTINE = "quarantine"
    NULL_IT = "null_it"
    FILTER_TOO = "filter_too"
    PLACEHOLDER = "placeholder"
    FAIL_RUN = "fail_run"


class Gone(StrEnum):
    """What a merge does with rows of the target that the source has no more."""

    IGNORE = "ignore"
    MARK = "mark"
    REMOVE = "remove"


class Changed(StrEnum):
    """What a merge does with rows that somebody else changed in the target since a run wrote them."""

    SOURCE_WINS = "source_wins"
    TARGET_WINS = "target_wins"
    QUARANTINE = "quarantine"


class PasswordHash(StrEnum):
    """Which hashes of passwords an account may take along; `none` leaves every password behind."""

    ARGON2 = "argon2"
    BCRYPT = "bcrypt"
    NONE = "none"


class RuleElse(StrEnum):
    """What a failed rule does to its row."""

    QUARANTINE = "quarantine"
    WARN = "warn"


class Codebook(msgspec.Struct, frozen=True, kw_only=True):
    """Code to meaning. `otherwise` is the value for an unknown code, None quarantines it; `warn` counts its use."""

    name: str
    position: Position
    meanings: dict[str, str]
    otherwise: str | None = None
    warn: bool = False


class ColumnExpression(msgspec.Struct, frozen=True, kw_only=True):
    """How one target column is computed. `invented` marks a constant that is not in the source."""

    column: str
    expression: Text
    invented: bool = False


class ParentPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """By what became of the parent in the source: absent, filtered, quarantined; `default` for the rest.

    `without` is PLACEHOLDER where a row that names no parent at all refers to the placeholder, else None.
    """

    position: Position
    default: MissingParent = MissingParent.QUARANTINE
    absent: MissingParent | None = None
    filtered: MissingParent | None = None
    quarantined: MissingParent | None = None
    without: MissingParent | None = None

    @property
    def fates(self) -> frozenset[MissingParent]:
        """Everything that it may do."""
        chosen = {fate or self.default for fate in (self.absent, self.filtered, self.quarantined)}
        return frozenset(chosen if self.without is None else {*chosen, self.without})


class Placeholder(msgspec.Struct, frozen=True, kw_only=True):
    """The one row of a mapping that stands for parents which are not there: its values by column, as texts."""

    position: Position
    columns: dict[str, Text]


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping whose rows are accounts: which hashes its column `password` takes; others are bad values of it."""

    position: Position
    password: str
    from_hash: PasswordHash


class GoneRows(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of rows that are gone from the source; `marks` are values by column, `now()` among them."""

    position: Position
    fate: Gone
    marks: dict[str, Text] = {}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A check over the computed columns; it fails only when false."""

    name: str
    check: Text
    otherwise: RuleElse = RuleElse.QUARANTINE


class QuarantineLimit(msgspec.Struct, frozen=True, kw_only=True):
    """Beyond the larger of the two the mapping pauses. `share` from 0 to 1."""

    rows: int = 1000
    share: float = 0.01


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """The share of rows, from 0 to 1, that may fail a check before the validation of a dry run fails."""

    position: Position
    share: float


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """The derivation of one target table from one FROM clause."""

    name: str
    position: Position
    into: Text
    from_: Text
    key: tuple[Text, ...]
    content_key: bool = False
    key_domain: str
    excludes_expected: bool = False
    keep: Text | None = None
    columns: tuple[ColumnExpression, ...]
    follows: tuple[ColumnExpression, ...] = ()
    missing_parent: dict[str, ParentPolicy] = {}
    bad_value: dict[str, BadValue] = {}
    rules: tuple[Rule, ...] = ()
    required: tuple[Text, ...] = ()
    clear: tuple[Text, ...] = ()
    proof_sums: tuple[Text, ...] = ()
    unique_checked: tuple[Text, ...] = ()
    quarantine_limit: QuarantineLimit = QuarantineLimit()
    thresholds: dict[str, Threshold] = {}
    triggers: dict[str, str] = {}
    functions: tuple[str, ...] = ()
    placeholder: Placeholder | None = None
    accounts: Accounts | None = None
    gone: GoneRows | None = None
    changed: Changed = Changed.SOURCE_WINS

    @property
    def computed(self) -> tuple[ColumnExpression, ...]:
        """Everything that is computed of a row: its columns, and the parents that it follows without a column."""
        return (*self.columns, *self.follows)

    @property
    def expressions(self) -> tuple[Text, ...]:
        """Every expression: of the columns and what is followed, of `keep`, of the rules."""
        keep = () if self.keep is None else (self.keep,)
        return (*(column.expression for column in self.computed), *keep, *(rule.check for rule in self.rules))


class Retired(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the target that is on its way out: nothing fills it, and its owner will drop it."""

    table: str
    column: str
    reason: str
    position: Position


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One plan. `namespace` is a UUID, or empty with `namespace_secret` naming where it is kept."""

    name: str
    namespace: str
    namespace_secret: str = ""
    keys: str = "uuid5"
    source_schema: str = "public"
    target_schema: str = "public"
    codebooks: dict[str, Codebook]
    mappings: tuple[Mapping, ...]
    unmapped: dict[str, str]
    retired: tuple[Retired, ...] = ()
    functions: tuple[str, ...] = ()
    files: dict[str, str]
    hash: str

    def mapping(self, name: str) -> Mapping:
        """The mapping of that name. Raises KeyError."""
        found = next((mapping for mapping in self.mappings if mapping.name == name), None)
        if found is None:
            raise KeyError(name)
        return found
