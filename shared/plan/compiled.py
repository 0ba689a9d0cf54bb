"""A plan held against both catalogues: what each service executes. Kept in the ledger as msgpack, read-only afterwards.

Three programs per mapping, one for each stage, so that no service needs to know another's.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.core.passes import FIRST, PROGRAM_OF, SECOND
from shared.core.states import Brought, Encoding
from shared.plan.model import Changed, Gone, MissingParent, QuarantineLimit
from shared.postgres.identifiers import TableName

PLACEHOLDER_PARENT = "placeholder_parent"
"""The warning that counts rows which refer to a placeholder."""


class Cut(StrEnum):
    """How a mapping is cut into batches."""

    INTEGERS = "integers"
    RANGES = "ranges"
    STREAM = "stream"


class SourceColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the extraction: `name` (`c0`, `c1`, …) in the CSV, `alias.column` in the plan, `sql` to select it.

    `type_name` is the legacy type with typmod; `duck_type` what it becomes in DuckDB, VARCHAR where that cannot hold
    it exactly.
    """

    name: str
    alias: str
    column: str
    sql: str
    type_name: str
    duck_type: str


class KeyPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the key: its SQL on the legacy server, and the extraction column that carries it (`k0`, `k1`, …).

    `form` is how its text is written canonically (`shared.plan.keys.CanonicalForm`); empty where it never is.
    """

    name: str
    sql: str
    type_name: str
    duck_type: str
    form: str = ""


class SourceProgram(msgspec.Struct, frozen=True, kw_only=True):
    """What the extractor runs; `shared.plan.source_sql` makes the statements of it.

    `clause_sql` is the checked FROM clause, tables qualified; `from_sql` the same, or for content keys wrapped with a
    hash of each row. A batch selects the key parts (`k0`, `k1`, …), then the columns (`c0`, `c1`, …). `cut_key` is
    what batches are cut by: the key itself, or that hash. Bounds compare the row of its parts: `(k0, k1) > lower and
    (k0, k1) <= upper`, lower open at the first batch, upper at the last. `driving_only` counts the driving table
    without its children; `unique_proven` if the catalogue itself guarantees that the key is unique and NOT NULL over
    the FROM result; `driving_alias`, where it is not empty, says that each row of the driving table stands in the FROM
    result once or more and that the key is one of that table's own, so that equal counts prove it unique; `schema` is
    the session's search path when it runs. `row_tables` are by alias the tables whose rows tell when they were last
    written (`xmin`). `sums` has by target column the selected column that holds the same numbers,
    for those whose sums are to be proven.
    """

    driving: TableName
    driving_only: bool = False
    schema: str
    tables: tuple[TableName, ...]
    clause_sql: str
    from_sql: str
    key: tuple[KeyPart, ...]
    cut_key: tuple[KeyPart, ...]
    content_key: bool
    unique_proven: bool = False
    driving_alias: str = ""
    columns: tuple[SourceColumn, ...]
    cut: Cut
    excludes_expected: bool
    read_columns: dict[str, tuple[str, ...]]
    row_tables: dict[str, TableName] = {}
    sums: dict[str, str] = {}


class TargetColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column that is written, in order. `encoder` names the exact encoder chosen for its type at compile time."""

    name: str
    type_name: str
    oid: int
    encoder: str
    not_null: bool = False


class CheckEffect(StrEnum):
    """What a check that is true does to its row."""

    REFUSE = "refuse"
    WARN = "warn"
    NOTE = "note"
    """Counted as what the plan brought in, and no warning."""


class RowCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A boolean column of the result: where it is true the row has this reason. `column`: a target column or a rule."""

    result: str
    reason: str
    column: str
    effect: CheckEffect


class TransformProgram(msgspec.Struct, frozen=True, kw_only=True):
    """What the transformer runs: one DuckDB statement over the batch, the table `source`, all its columns VARCHAR.

    `setup` runs once per connection and plan. `statement` gives, per source row and in source order, the columns
    named in `shared.plan.transform_sql`; those in `hashed` hold names of keys, whose UUIDs are computed behind
    DuckDB. `parameters` are the variables that it uses. `key_statement` gives `name` and `legacy` alone and cannot
    fail. `packed` are the keys that `rest()` packs, `details` is for `plan explain`.
    """

    setup: tuple[str, ...]
    statement: str
    hashed: tuple[str, ...]
    checks: tuple[RowCheck, ...] = ()
    filters: bool = False
    key_statement: str = ""
    packed: tuple[str, ...] = ()
    target_columns: tuple[TargetColumn, ...]
    encoding: Encoding
    parameters: tuple[str, ...] = ()
    details: dict[str, str] = {}


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A computed foreign key: a target column that holds `ref(mapping, …)`, and what happens without its parent."""

    column: str
    mapping: str
    table: TableName
    referenced_column: str
    enforced: bool
    default: MissingParent
    absent: MissingParent
    filtered: MissingParent
    quarantined: MissingParent


class PlaceholderRow(msgspec.Struct, frozen=True, kw_only=True):
    """The row of a mapping that missing parents are referred to: made when first needed, no row of the source.

    `key_name` is hashed to its key like the names of other keys; `values` are texts of their columns' types.
    """

    mapping: str
    table: TableName
    key_column: str
    key_name: str
    columns: tuple[str, ...]
    values: tuple[str | None, ...]


class BroughtIn(msgspec.Struct, frozen=True, kw_only=True):
    """A column whose every inserted row holds a value that is not in the source."""

    column: str
    kind: Brought


class ReferringColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table that the plan fills with keys of a mapping, which are in `referenced_column` of its table."""

    table: TableName
    column: str
    referenced_column: str


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What a merge sets in rows that are gone: a text of the column's type, None for the time of the run's snapshot."""

    column: str
    value: str | None


class RetiredColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the target that nothing fills any more; `there` where the target still had it at planning."""

    table: TableName
    column: str
    reason: str
    there: bool


class LoadProgram(msgspec.Struct, frozen=True, kw_only=True):
    """What the loader runs. `in_seq_order` where another unique constraint needs the lower key to win.

    `follows` are references that travel behind the columns and are not written. `placeholders` are the rows that
    references may be turned to, `brought_in` the columns that hold in every inserted row what is not in the source.

    `key_is_unique` if the target itself has no two rows of one key, so that a merge can tell new rows from known ones.
    `gone` is what a merge does with rows that the source has no more, `changed` with those that somebody changed.
    `referrers` are the columns of the whole plan that refer to the mapping, whichever mappings are run.
    """

    table: TableName
    columns: tuple[str, ...]
    follows: tuple[str, ...] = ()
    column_types: tuple[str, ...]
    key_column: str
    primary_key: tuple[str, ...]
    references: tuple[Reference, ...] = ()
    in_seq_order: bool = False
    unique_checked: tuple[str, ...] = ()
    triggers_off: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()
    proof_sums: tuple[str, ...] = ()
    quarantine_limit: QuarantineLimit = QuarantineLimit()
    thresholds: dict[str, float] = {}
    key_is_unique: bool = False
    placeholders: tuple[PlaceholderRow, ...] = ()
    brought_in: tuple[BroughtIn, ...] = ()
    gone: Gone = Gone.IGNORE
    marks: tuple[Mark, ...] = ()
    changed: Changed = Changed.SOURCE_WINS
    referrers: tuple[ReferringColumn, ...] = ()


class SecondPass(msgspec.Struct, frozen=True, kw_only=True):
    """What sets the references of a mapping that had to wait: programs of its key and those columns alone.

    `depends_on` are the mappings whose rows they refer to, the mapping itself perhaps among them.
    """

    columns: tuple[str, ...]
    depends_on: tuple[str, ...]
    source: SourceProgram
    transform: TransformProgram
    load: LoadProgram


class CompiledMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One mapping, ready to run. `depends_on` are the mappings it waits for; `wave` 0 waits for none.

    `second` is there where references of it wait until all rows are there, to be set by batches of a second pass.
    `ordered_keys` where its UUIDs are version 8, in the order of its integer key, and else version 5.
    """

    name: str
    key_domain: str
    wave: int
    depends_on: tuple[str, ...]
    source: SourceProgram
    transform: TransformProgram
    load: LoadProgram
    invented: tuple[str, ...] = ()
    second: SecondPass | None = None
    ordered_keys: bool = False

    def of_pass(self, number: int) -> CompiledMapping:
        """The mapping as a pass runs it. Raises ValueError for a pass that it has not."""
        program = PROGRAM_OF.get(number)
        if program == FIRST:
            return self
        if program != SECOND or self.second is None:
            raise ValueError(f"mapping {self.name} has no pass {number}")
        return msgspec.structs.replace(
            self,
            depends_on=self.second.depends_on,
            source=self.second.source,
            transform=self.second.transform,
            load=self.second.load,
        )


class CompiledPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole plan, mappings in the order of their references."""

    name: str
    hash: str
    namespace: str
    namespace_secret: str
    keys: str
    transfuse_version: str
    duckdb_version: str
    source_fingerprint: str
    target_fingerprint: str
    mappings: tuple[CompiledMapping, ...]
    retired: tuple[RetiredColumn, ...] = ()

    def mapping(self, name: str) -> CompiledMapping:
        """The mapping of that name. Raises KeyError."""
        found = next((mapping for mapping in self.mappings if mapping.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


def encode_compiled(plan: CompiledPlan) -> bytes:
    """Msgpack of a compiled plan, for the ledger."""
    return msgspec.msgpack.encode(plan)


def decode_compiled(data: bytes) -> CompiledPlan:
    """Inverse of `encode_compiled`. Raises msgspec.ValidationError for another version's bytes."""
    return msgspec.msgpack.decode(data, type=CompiledPlan)
