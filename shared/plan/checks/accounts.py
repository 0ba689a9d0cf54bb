"""Accounts: what becomes of passwords is said, and a hash is never kept anywhere else."""

from __future__ import annotations

from shared.plan.model import BadValue, ColumnExpression, Mapping, PasswordHash, Plan
from shared.plan.report import Report

ACCOUNTS = ("auth", "users")
"""Schema and table that Supabase logs people in by."""


def check_accounts(plan: Plan, mapping: Mapping, report: Report) -> None:
    """Note what a mapping that makes accounts leaves unsaid, or says of passwords against its own policy."""
    accounts = mapping.accounts
    if accounts is None:
        if (plan.target_schema, mapping.into.value) == ACCOUNTS:
            message = "the rows of auth.users are accounts: say what becomes of passwords (accounts: {from_hash: none})"
            report.problem(mapping.into.position, message)
        return
    column = password_column(mapping)
    if accounts.from_hash is PasswordHash.NONE:
        if column is not None and not is_null(column):
            message = f'from_hash: none leaves every password behind: {column.column!r} may only be "NULL"'
            report.problem(column.expression.position, message)
        return
    if column is None:
        message = f"from_hash: {accounts.from_hash} needs the column {accounts.password!r}, which holds the hash"
        report.problem(accounts.position, message)
    if mapping.bad_value.get(accounts.password) is BadValue.KEEP_ASIDE:
        message = "a password's hash is not kept aside: write null_it, and who has another one sets a new password"
        report.problem(accounts.position, message)


def password_column(mapping: Mapping) -> ColumnExpression | None:
    """The column that holds the hashes of a mapping of accounts, if it has one."""
    accounts = mapping.accounts
    return next((one for one in mapping.columns if accounts is not None and one.column == accounts.password), None)


def is_null(column: ColumnExpression) -> bool:
    """Whether a column is NULL in every row."""
    return column.expression.value.strip().upper() == "NULL"
