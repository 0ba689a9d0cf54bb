"""One entry of `mappings:`, as its author wrote it."""

from __future__ import annotations

import re

import msgspec

from shared.plan.fields import Fields, choice_of, fields_of, named_texts, text_of
from shared.plan.gone import read_changed, read_gone
from shared.plan.model import (
    Accounts,
    BadValue,
    ColumnExpression,
    Mapping,
    MissingParent,
    ParentPolicy,
    PasswordHash,
    Placeholder,
    QuarantineLimit,
    Rule,
    RuleElse,
    Text,
)
from shared.plan.report import Report
from shared.plan.thresholds import read_thresholds
from shared.plan.yaml_document import YamlMapping, YamlNode, YamlScalar, YamlSequence

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
SHARE = re.compile(r"(\d+(?:\.\d+)?)(%?)")
FATES = ("absent", "filtered", "quarantined")
MISSING = tuple(choice.value for choice in MissingParent)
PASSWORD = "encrypted_password"  # noqa: S105 - the name of Supabase's column
CONTENT = re.compile(r"content\(\s*\)")


def read_mapping(node: YamlNode, report: Report) -> Mapping | None:
    """One mapping, None if too much of it is missing; what is wrong is in the report."""
    fields = fields_of(node, "a mapping", report)
    if fields is None:
        return None
    name = fields.text("name", required=True)
    if name is not None:
        fields.what = f"mapping {name.value!r}"
        check_name(name, "a mapping", report)
    into = fields.text("into", required=True)
    from_ = fields.text("from", required=True)
    key, content = read_key(fields)
    columns = read_columns(fields, "columns", required=True)
    domain = fields.text("key_domain")
    if domain is not None and not domain.value.isprintable():
        fields.report.problem(domain.position, "'key_domain' is one line of text without control characters")
    known = Text(value="?", position=fields.position)
    mapping = Mapping(
        name=(name or known).value,
        position=(name or known).position,
        into=into or known,
        from_=from_ or known,
        key=key,
        content_key=content,
        key_domain=(domain or name or known).value,
        columns=columns,
    )
    mapping = with_options(mapping, fields)
    fields.done()
    return None if name is None or into is None or from_ is None else mapping


def check_name(name: Text, what: str, report: Report) -> None:
    """A name that becomes part of addresses and keys."""
    if not NAME.fullmatch(name.value):
        message = f"the name of {what} is a letter and up to 62 letters, digits, '_' and '-'"
        report.problem(name.position, message)


def with_options(mapping: Mapping, fields: Fields) -> Mapping:
    """The mapping with the parts that have defaults."""
    proof = fields.fields("proof")
    sums = () if proof is None else proof.texts("sum")
    if proof is not None:
        proof.done()
    return msgspec.structs.replace(
        mapping,
        excludes_expected=fields.choice("excludes", ("none", "expected"), "none") == "expected",
        keep=fields.text("keep"),
        follows=read_columns(fields, "follows"),
        missing_parent=read_missing_parent(fields),
        bad_value={name.value: BadValue(fate) for name, fate in chosen(fields, "bad_value", tuple(BadValue))},
        rules=read_rules(fields),
        required=fields.texts("required"),
        clear=fields.texts("clear"),
        proof_sums=sums,
        unique_checked=tuple(name for name, _ in chosen(fields, "unique", ("checked",))),
        quarantine_limit=read_limit(fields),
        thresholds=read_thresholds(fields),
        triggers={name.value: fate for name, fate in chosen(fields, "triggers", ("keep", "off"))},
        functions=tuple(text.value for text in fields.texts("functions")),
        placeholder=read_placeholder(fields),
        accounts=read_accounts(fields),
        gone=read_gone(fields),
        changed=read_changed(fields),
    )


def chosen(fields: Fields, name: str, choices: tuple[str, ...]) -> list[tuple[Text, str]]:
    """The entries of a mapping whose values are each one of some words."""
    found = []
    for key, node in fields.entries(name):
        choice = choice_of(node, f"{key.value!r} under {name!r}", choices, fields.report)
        if choice is not None:
            found.append((Text(value=key.value, position=key.position), choice))
    return found


def read_key(fields: Fields) -> tuple[tuple[Text, ...], bool]:
    """The parts of the key, and whether it is `content()`."""
    node = fields.required("key")
    if isinstance(node, YamlSequence):
        parts = [text_of(item, "a part of the key", fields.report) for item in node.items]
        if not parts:
            fields.report.problem(node.position, "a key has at least one part")
        return tuple(part for part in parts if part is not None), False
    text = None if node is None else text_of(node, "'key'", fields.report)
    if text is None:
        return (), False
    return ((), True) if CONTENT.fullmatch(text.value.strip()) else ((text,), False)


def read_columns(fields: Fields, key: str, *, required: bool = False) -> tuple[ColumnExpression, ...]:
    """Target columns, or parents that are followed, and their expressions."""
    found = []
    for column, node in fields.entries(key, required=required):
        expression: Text | None
        invented = False
        if isinstance(node, YamlMapping):
            if node.get("value") is None:
                message = f"column {column.value!r} is an expression, in quotes if it begins with '{{', or {{value: …}}"
                fields.report.problem(node.position, message)
                continue
            parts = Fields(node, f"column {column.value!r}", fields.report)
            expression = parts.text("value", required=True)
            invented = parts.boolean("invented", default=False)
            parts.done()
        else:
            expression = text_of(node, f"the expression of column {column.value!r}", fields.report)
        if expression is not None:
            found.append(ColumnExpression(column=column.value, expression=expression, invented=invented))
    return tuple(found)


def read_missing_parent(fields: Fields) -> dict[str, ParentPolicy]:
    """What happens where a parent is missing, by column."""
    found: dict[str, ParentPolicy] = {}
    for column, node in fields.entries("missing_parent"):
        if isinstance(node, YamlScalar):
            default = read_fate(node, fields.report)
            found[column.value] = ParentPolicy(position=column.position, default=default or MissingParent.QUARANTINE)
            continue
        policy = fields_of(node, f"missing_parent of {column.value!r}", fields.report)
        if policy is None:
            continue
        default = read_fate(policy.take("default"), fields.report)
        fates = {fate: read_fate(policy.take(fate), fields.report) for fate in FATES}
        without = policy.choice("without", (MissingParent.PLACEHOLDER,), "")
        policy.later("merged", "merging people")
        policy.done()
        found[column.value] = ParentPolicy(
            position=column.position,
            default=default or MissingParent.QUARANTINE,
            without=MissingParent(without) if without else None,
            **fates,
        )
    return found


def read_fate(node: YamlNode | None, report: Report) -> MissingParent | None:
    """One fate of a row without a parent."""
    if node is None:
        return None
    choice = choice_of(node, "the fate of a row without its parent", MISSING, report)
    return None if choice is None else MissingParent(choice)


def read_placeholder(fields: Fields) -> Placeholder | None:
    """The row that stands for missing parents, by column."""
    placeholder = fields.fields("placeholder")
    if placeholder is None:
        return None
    values = named_texts(placeholder.entries("columns", required=True), fields.report)
    found = Placeholder(position=placeholder.position, columns={column.value: value for column, value in values})
    placeholder.done()
    return found


def read_accounts(fields: Fields) -> Accounts | None:
    """What becomes of the passwords of accounts."""
    accounts = fields.fields("accounts")
    if accounts is None:
        return None
    accounts.required("from_hash")
    password = accounts.text("password")
    found = Accounts(
        position=accounts.position,
        password=PASSWORD if password is None else password.value,
        from_hash=PasswordHash(accounts.choice("from_hash", tuple(PasswordHash), PasswordHash.NONE)),
    )
    accounts.done()
    return found


def read_rules(fields: Fields) -> tuple[Rule, ...]:
    """Rules over the computed columns."""
    found: list[Rule] = []
    for item in fields.items("rules"):
        rule = fields_of(item, "a rule", fields.report)
        if rule is None:
            continue
        name = rule.text("name", required=True)
        check = rule.text("check", required=True)
        otherwise = RuleElse(rule.choice("else", tuple(RuleElse), RuleElse.QUARANTINE))
        rule.done()
        if name is not None and any(other.name == name.value for other in found):
            fields.report.problem(name.position, f"rule {name.value!r} is there twice")
        if name is not None and check is not None:
            found.append(Rule(name=name.value, check=check, otherwise=otherwise))
    return tuple(found)


def read_limit(fields: Fields) -> QuarantineLimit:
    """Rows and share at which the mapping pauses."""
    limit = fields.fields("quarantine_limit")
    if limit is None:
        return QuarantineLimit()
    standard = QuarantineLimit()
    rows, share = limit.take("rows"), limit.take("share")
    limit.done()
    count = rows.integer if isinstance(rows, YamlScalar) else None
    if rows is not None and (count is None or count < 0):
        fields.report.problem(rows.position, "'rows' is a number of rows")
    found = SHARE.fullmatch(share.value) if isinstance(share, YamlScalar) else None
    portion = float(found[1]) / (100 if found[2] else 1) if found else standard.share
    if share is not None and (found is None or portion > 1):
        fields.report.problem(share.position, "'share' is a percentage such as 1%, or a number from 0 to 1")
    return QuarantineLimit(rows=standard.rows if count is None else count, share=portion)
