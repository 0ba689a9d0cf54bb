"""key() and ref(mapping, part, ...): UUIDs computed from legacy keys.

At the root of a column, under CASE and COALESCE, they become their names and are hashed in bulk afterwards; elsewhere
they are written with `key_uuid`, which computes the same UUID in SQL. See `shared.core.keys` for the reference.
"""

from __future__ import annotations

from shared.plan.functions.function import Function

KEY = Function(
    name="key",
    signature="key()",
    summary="This row's UUID.",
    minimum=0,
    maximum=0,
    macro=(
        r"create or replace macro key_part(value) as replace(replace(value, '\', '\\'), '|', '\|')",
        """create or replace macro whole_first(value) as
        case when starts_with(value, '.') then '0' || value when starts_with(value, '-.') then '-0' || substr(value, 2)
             else value end""",
        """create or replace macro canonical_numeric(value) as
        case when contains(value, '.') then rtrim(rtrim(whole_first(value), '0'), '.') else value end""",
        r"create or replace macro written_timestamp(value) as regexp_replace(value, '^([0-9-]+) ', '\1T')",
        r"""create or replace macro written_timestamptz(value) as
        regexp_replace(written_timestamp(value), '^([0-9].*?)\+00( BC)?$', '\1Z\2')""",
        """create or replace macro uuid_of_digest(digest) as cast(
            substr(digest, 1, 12) || '5' || substr(digest, 14, 3) || substr('89ab89ab89ab89ab',
            position(substr(digest, 17, 1) in '0123456789abcdef'), 1) || substr(digest, 18, 15) as uuid)""",
        "create or replace macro key_uuid(name) as uuid_of_digest(sha1(getvariable('namespace') || encode(name)))",
        """create or replace macro ordered_of_digest(number, digest) as cast(
            format('{:012x}', number) || '8' || substr(digest, 2, 3) || substr('89ab89ab89ab89ab',
            position(substr(digest, 5, 1) in '0123456789abcdef'), 1) || substr(digest, 6, 15) as uuid)""",
        r"create or replace macro ordered_number(name) as try_cast(regexp_extract(name, ':(-?\d+)$', 1) as bigint)",
        """create or replace macro ordered_key_uuid(name) as
        case when ordered_number(name) between 0 and 281474976710655
             then ordered_of_digest(ordered_number(name), sha1(getvariable('namespace') || encode(substr(name, 2))))
             else key_uuid(substr(name, 2)) end""",
        "create or replace macro framed(value) as coalesce(strlen(value) || ':' || value, '-')",
    ),
)

REF = Function(
    name="ref",
    signature="ref(mapping, part, ...)",
    summary="The UUID of the row of another mapping that has this legacy key.",
    minimum=2,
    maximum=None,
    reason="bad_reference",
)
