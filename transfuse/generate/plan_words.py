"""What each key of a plan says, in one or two sentences, for the editor that shows them."""

from __future__ import annotations

PART_WORDS = {
    "codebooks": "Code books by name: what the codes of the legacy database mean.",
    "mappings": "One entry for each derivation of a target table.",
    "unmapped": "Legacy tables that no mapping moves, each with the reason. Every table is mapped or listed.",
    "retired": "Columns of the target, table.column, that nothing may fill any more, each with the reason.",
}
PLAN_WORDS = {
    **PART_WORDS,
    "transfuse": "The version of the plan language.",
    "name": "The plan's name: a letter and up to 62 letters, digits, '_' and '-'.",
    "namespace": (
        "A UUID from which every key follows: choose once (uuidgen), never change. {secret: NAME} where keys may name "
        "a person."
    ),
    "keys": "uuid5 (default), or uuid8: UUIDs in the order of an integer key that is not health data.",
    "source": "The legacy database.",
    "target": "The database that is written.",
    "functions": "Functions of the legacy server, beside PostgreSQL's own, that FROM clauses may call.",
    "include": "Files in the plan's folder with more code books, mappings and reasons.",
}
CODEBOOK_WORDS = {
    "from": "A CSV file in the plan's folder: code,value or code,value,comment.",
    "otherwise": "What an unknown code becomes, instead of sending its row to quarantine.",
    "value": "The value for every unknown code.",
    "warn": "Whether each use is counted as a warning (default: true).",
}
MAPPING_WORDS = {
    "name": "The mapping's name, by which ref() refers to it.",
    "key_domain": "What keys are made of beside the key: the first name of the mapping, kept when it is renamed.",
    "into": "The target table.",
    "from": "The FROM clause of one SELECT, run on the legacy server: joins, subqueries, windows, each with an alias.",
    "key": "What tells one row of `from` from another: alias.column, a list, or content() for rows without a key.",
    "excludes": "Rows of the driving table that the joins drop: none (default, else an error) or expected (counted).",
    "keep": "Which rows are moved: true keeps, false filters (counted), NULL sends the row to quarantine.",
    "columns": "Target columns, each with its expression. One that is not listed gets the target's default.",
    "follows": "Parents that the target has no column for: the row shares their fate.",
    "missing_parent": "By column, what becomes of a row whose parent is not in the target.",
    "bad_value": "By column, what does not fit: quarantine (default), keep_aside or null_it (both NULL, counted).",
    "rules": "Checks over the computed columns; one fails only where it is false.",
    "required": "Columns whose NULL sends the row to quarantine.",
    "clear": "Columns that are no health data: shown unmasked. Every other one is masked.",
    "proof": "What must agree between source and target.",
    "sum": "Columns of money whose sums must agree to the cent.",
    "unique": "Unique constraints that are free of duplicates by construction; a violation fails the run.",
    "quarantine_limit": "Beyond the larger of the two the mapping pauses with its most frequent reasons.",
    "thresholds": "By rule, column or reason, the share of rows that may fail in a dry run before its validation does.",
    "triggers": "Each user trigger of the target: keep, or off while rows are loaded (restored at the end).",
    "functions": "Functions of the legacy server that this mapping's `from` may call.",
    "placeholder": "The one row that missing parents of this mapping may be turned to: marked and counted.",
    "gone": "What a merge does with rows that the source has no more: ignore (default), remove, or mark.",
    "mark": "Columns that the mapping fills, and what they hold in rows that are gone: a plain value, or now().",
    "changed": "Rows that somebody changed in the target: source_wins (default), target_wins, or quarantine.",
    "accounts": "The rows are accounts: says what becomes of passwords.",
}
PARENT_WORDS = {
    "absent": "The parent is not in the legacy database.",
    "filtered": "The parent was left out by its mapping's `keep`.",
    "quarantined": "The parent waits in quarantine.",
    "default": "Everything that is not said.",
    "without": "The row names no parent at all: placeholder turns it to the parent's placeholder (default: NULL).",
}
PLACEHOLDER_WORDS = {
    "columns": "What the row holds, by column of the target: plain values, no expressions.",
}
ACCOUNT_WORDS = {
    "from_hash": "Which hashes of passwords are taken along: argon2, bcrypt, or none.",
    "password": "The column that holds the hash (default: encrypted_password).",
}
RULE_WORDS = {
    "name": "The rule's name, as the report shows it.",
    "check": "An expression over the computed columns and alias.column.",
    "else": "What a row that fails does: quarantine (default) or warn.",
}
LIMIT_WORDS = {
    "rows": "So many rows.",
    "share": "This share of the rows: 2%, or 0.02.",
}
