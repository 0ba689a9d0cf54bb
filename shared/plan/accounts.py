"""Hashes of passwords on their way into accounts: only what the target's log-in can check arrives there.

A hash that was made in another way is worth nothing there, and could not be told from one that is.
"""

from __future__ import annotations

from types import MappingProxyType

import msgspec

from shared.plan.model import Mapping, PasswordHash
from shared.plan.target_columns import Computed
from shared.postgres.identifiers import literal

BAD_HASH = "bad_hash"
"""The reason of a hash that is not of the form that the plan asks for."""
FORMS = MappingProxyType(
    {
        PasswordHash.BCRYPT: r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}",
        PasswordHash.ARGON2: r"\$argon2(i|id)\$v=19\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{8,}\$[A-Za-z0-9+/]{16,}",
    }
)
"""What hashes look like, all of them: the modular crypt format of bcrypt, the PHC string of Argon2 version 1.3."""


def with_policy(column: Computed, mapping: Mapping) -> Computed:
    """The column itself, or where it holds the hashes of accounts, with a failure for those of another form."""
    accounts = mapping.accounts
    if accounts is None or accounts.password != column.name or accounts.from_hash is PasswordHash.NONE:
        return column
    form = literal(FORMS[accounts.from_hash])
    other = f"{column.value} IS NOT NULL AND NOT regexp_full_match({column.value}, {form})"
    return msgspec.structs.replace(column, flags=(*column.flags, (BAD_HASH, other)))
