"""Macros between PostgreSQL's texts and DuckDB's values: what COPY wrote is read, what a CSV batch needs is written."""

from __future__ import annotations

READING = (
    # PostgreSQL writes an era last, DuckDB behind the date; it would take ` BC` at the end for a time zone.
    """create or replace macro read_date(value) as
    case when ends_with(value, ' BC') then try_cast(replace(value, ' BC', ' (BC)') as date)
         else try_cast(value as date) end""",
    """create or replace macro in_era(value) as regexp_replace(value, '^(\\S+) (.*) BC$', '\\1 (BC) \\2')""",
    """create or replace macro read_timestamp(value) as
    case when ends_with(value, ' BC') then try_cast(in_era(value) as timestamp)
         else try_cast(value as timestamp) end""",
    """create or replace macro read_timestamptz(value) as
    case when ends_with(value, ' BC') then try_cast(in_era(value) as timestamptz)
         else try_cast(value as timestamptz) end""",
    """create or replace macro date_text(value) as replace(cast(value as varchar), ' (BC)', ' BC')""",
    """create or replace macro timestamp_text(value) as
    case when contains(cast(value as varchar), ' (BC)') then replace(cast(value as varchar), ' (BC)', '') || ' BC'
         else cast(value as varchar) end""",
    """create or replace macro bytes_text(value) as '\\x' || lower(hex(value))""",
    """create or replace macro read_bytes(value) as
    case when regexp_full_match(value, '\\\\x([0-9a-fA-F]{2})*') then unhex(substr(value, 3)) end""",
    """create or replace macro uuid_bytes(value) as unhex(replace(cast(value as varchar), '-', ''))""",
    """create or replace macro is_whole(value) as regexp_full_match(value, '\\s*[+-]?[0-9]+\\s*')""",
    """create or replace macro is_number(value) as
    regexp_full_match(value, '\\s*[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?\\s*')""",
    """create or replace macro array_text(value) as
    '{' || array_to_string(list_transform(value, lambda item: case when item is null then 'NULL'
        else '"' || replace(replace(cast(item as varchar), '\\', '\\\\'), '"', '\\"') || '"' end), ',') || '}'""",
    """create or replace macro with_rejected(value, rejected) as
    case when value is null or regexp_full_match(value, '\\s*\\{\\s*\\}\\s*') then '{"rejected":' || rejected || '}'
         when regexp_full_match(value, '(?s)\\s*\\{.*\\}\\s*')
         then regexp_replace(value, '\\}\\s*$', '') || ',"rejected":' || rejected || '}' end""",
)
