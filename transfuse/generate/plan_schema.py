"""The plan language as JSON Schema, so that editors complete and mark plans as they are written.

It knows the form alone; `transfuse plan check` judges the rest. Words, names and their patterns come from the reader;
a test holds the keys against those that the reader asks for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shared.plan.mappings import NAME, SHARE
from shared.plan.model import BadValue, Changed, Gone, MissingParent, PasswordHash, QuarantineLimit, RuleElse
from shared.plan.reader import SECRET, VERSION
from transfuse.generate.plan_words import (
    ACCOUNT_WORDS,
    CODEBOOK_WORDS,
    LIMIT_WORDS,
    MAPPING_WORDS,
    PARENT_WORDS,
    PART_WORDS,
    PLACEHOLDER_WORDS,
    PLAN_WORDS,
    RULE_WORDS,
)

Schema = dict[str, Any]
DIALECT = "http://json-schema.org/draft-07/schema#"
"""What the language servers of editors know best."""
UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
PLAIN = ["string", "number", "boolean"]
"""What an editor may take a text for: every scalar of a plan is the text that was written."""
TEXT: Schema = {"type": PLAIN}


def files() -> dict[Path, str]:
    """The one file."""
    return {Path("plans/plan.schema.json"): json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"}


def schema() -> Schema:
    """The schema of a plan's files: the plan itself, or one that it includes."""
    return {
        "$schema": DIALECT,
        "title": "A plan of Transfuse",
        "description": "How a legacy database becomes a new one: rows, keys, columns, the fate of what does not fit.",
        "oneOf": [of("plan"), of("part")],
        "definitions": {
            "plan": plan(),
            "part": closed(PART_WORDS, part_keys(), "A file that a plan includes."),
            "mapping": mapping(),
            "column": column(),
            "codebook": codebook(),
            "parent_fate": {"enum": [fate.value for fate in MissingParent]},
            "parent_policy": parent_policy(),
            "rule": closed(RULE_WORDS, rule_keys(), "A check of every row.", required=("name", "check")),
        },
    }


def of(name: str) -> Schema:
    """A reference to a definition."""
    return {"$ref": f"#/definitions/{name}"}


def closed(words: dict[str, str], keys: dict[str, Schema], what: str, *, required: tuple[str, ...] = ()) -> Schema:
    """An object with these keys, each described, and no other. Raises KeyError for a key without words."""
    found: Schema = {
        "type": "object",
        "description": what,
        "additionalProperties": False,
        "properties": {name: described(value, words[name]) for name, value in keys.items()},
    }
    return found | ({"required": list(required)} if required else {})


def described(value: Schema, words: str) -> Schema:
    """A schema with its description; a reference takes no other key in this dialect."""
    return {"description": words, "allOf": [value]} if "$ref" in value else {"description": words, **value}


def named(value: Schema, words: str) -> Schema:
    """An object whose keys are names of the author's."""
    return {"type": "object", "additionalProperties": described(value, words)}


def listed(value: Schema = TEXT) -> Schema:
    """A list."""
    return {"type": "array", "items": value}


def choice(*words: str) -> Schema:
    """One of some words."""
    return {"enum": list(words)}


def plan() -> Schema:
    """The main file."""
    keys: dict[str, Schema] = {
        "transfuse": {"enum": [int(VERSION), VERSION]},
        "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
        "namespace": namespace(),
        "keys": choice("uuid5", "uuid8"),
        "source": database("The schema of the legacy tables."),
        "target": database("The schema of the tables that are written."),
        "functions": listed(),
        "include": listed({"type": "string", "pattern": r"\.ya?ml$"}),
        **part_keys(),
    }
    required = ("transfuse", "name", "namespace")
    return closed(PLAN_WORDS, keys, "A plan, the main file.", required=required) | {
        "anyOf": [{"required": ["mappings"]}, {"required": ["include"]}]
    }


def namespace() -> Schema:
    """A UUID, or the secret that holds one."""
    secret = {
        "description": "PLAN_SECRET_<this name> of the transformer holds the UUID.",
        "pattern": f"^{SECRET.pattern}$",
    }
    return {
        "oneOf": [
            {"type": "string", "pattern": UUID},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["secret"],
                "properties": {"secret": {"type": "string", **secret}},
            },
        ]
    }


def database(words: str) -> Schema:
    """One side."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["schema"],
        "properties": {"schema": {"type": "string", "description": words}},
    }


def part_keys() -> dict[str, Schema]:
    """What the main file and an included one both may have."""
    return {
        "codebooks": named(of("codebook"), "One code book, named as codebook('name', …) names it."),
        "mappings": listed(of("mapping")),
        "unmapped": named({"type": "string", "minLength": 1}, "Why this legacy table is not moved."),
        "retired": named({"type": "string", "minLength": 1}, "Why nothing fills this column any more."),
    }


def codebook() -> Schema:
    """Codes in the plan, or in a file beside it."""
    otherwise = closed(
        CODEBOOK_WORDS, {"value": TEXT, "warn": {"type": "boolean"}}, CODEBOOK_WORDS["otherwise"], required=("value",)
    )
    meaning = {"description": "The meaning of this code.", "type": PLAIN}
    file = {"type": "string", "pattern": r"\.csv$", "description": CODEBOOK_WORDS["from"]}
    return {
        "description": "Code to meaning; an unknown code sends its row to quarantine unless `otherwise` says more.",
        "oneOf": [
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["from"],
                "properties": {"from": file, "otherwise": otherwise},
            },
            {
                "type": "object",
                "minProperties": 1,
                "not": {"required": ["from"], "properties": {"from": {"type": "string", "pattern": r"\.csv$"}}},
                "properties": {"otherwise": {"anyOf": [otherwise, meaning]}},
                "additionalProperties": meaning,
            },
        ],
    }


def mapping() -> Schema:
    """One entry of `mappings`."""
    keys: dict[str, Schema] = {
        "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
        "key_domain": {"type": "string"},
        "into": {"type": "string"},
        "from": {"type": "string"},
        "key": {"oneOf": [{"type": "string"}, listed({"type": "string"}) | {"minItems": 1}]},
        "excludes": choice("none", "expected"),
        "keep": {"type": ["string", "boolean"]},
        "columns": named(of("column"), "What this column of the target is computed of.") | {"minProperties": 1},
        "follows": named(of("column"), "A parent whose fate the row shares, ref(…), without a column of its own."),
        "missing_parent": named(of("parent_policy"), "What becomes of a row whose parent here is not in the target."),
        "bad_value": named(choice(*BadValue), "What becomes of a value that does not fit this column."),
        "rules": listed(of("rule")),
        "required": listed(),
        "clear": listed(),
        "proof": closed(MAPPING_WORDS, {"sum": listed()}, MAPPING_WORDS["proof"]),
        "unique": named(choice("checked"), "This unique constraint of the target is free of duplicates."),
        "quarantine_limit": limit(),
        "thresholds": named(share(), "The share of rows that may fail this rule, column or reason."),
        "triggers": named(choice("keep", "off"), "Whether this trigger runs while rows are loaded."),
        "functions": listed(),
        "placeholder": placeholder(),
        "accounts": accounts(),
        "gone": gone(),
        "changed": choice(*Changed),
    }
    required = ("name", "into", "from", "key", "columns")
    return closed(MAPPING_WORDS, keys, "How one target table is derived from one FROM clause.", required=required)


def column() -> Schema:
    """An expression, alone or with what is to be said of it."""
    expression = {"type": [*PLAIN, "null"], "description": "A DuckDB expression over alias.column."}
    invented = {"type": "boolean", "description": "true: the value is not in the source, and the report lists it."}
    return {
        "oneOf": [
            expression,
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["value"],
                "properties": {"value": expression, "invented": invented},
            },
        ]
    }


def parent_policy() -> Schema:
    """One fate for all, or by what became of the parent."""
    fates = {name: of("parent_fate") for name in PARENT_WORDS} | {"without": choice(MissingParent.PLACEHOLDER)}
    return {"oneOf": [of("parent_fate"), closed(PARENT_WORDS, fates, "By what became of the parent.")]}


def placeholder() -> Schema:
    """The row that stands for missing ones."""
    keys = {"columns": named(TEXT, "The value of this column.")}
    return closed(PLACEHOLDER_WORDS, keys, MAPPING_WORDS["placeholder"], required=("columns",))


def accounts() -> Schema:
    """What becomes of passwords."""
    keys = {
        "from_hash": choice(*PasswordHash),
        "password": {"type": "string"},
    }
    return closed(ACCOUNT_WORDS, keys, MAPPING_WORDS["accounts"], required=("from_hash",))


def gone() -> Schema:
    """A word, or the marks of rows that are gone."""
    marks = {"mark": named(TEXT, "What this column holds in rows that are gone.") | {"minProperties": 1}}
    return {
        "oneOf": [
            choice(Gone.IGNORE, Gone.REMOVE),
            closed(MAPPING_WORDS, marks, MAPPING_WORDS["mark"], required=("mark",)),
        ]
    }


def rule_keys() -> dict[str, Schema]:
    """One rule."""
    return {"name": {"type": "string"}, "check": {"type": "string"}, "else": choice(*RuleElse)}


def share() -> Schema:
    """A part of all rows."""
    return {
        "anyOf": [
            {"type": "string", "pattern": f"^{SHARE.pattern}$"},
            {"type": "number", "minimum": 0, "maximum": 1},
        ]
    }


def limit() -> Schema:
    """When a mapping pauses."""
    standard = QuarantineLimit()
    keys: dict[str, Schema] = {
        "rows": {"type": "integer", "minimum": 0, "default": standard.rows},
        "share": share() | {"default": f"{standard.share:.0%}"},
    }
    return closed(LIMIT_WORDS, keys, MAPPING_WORDS["quarantine_limit"])
