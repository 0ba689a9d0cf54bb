"""Functions that a plan may call: DuckDB's in expressions, PostgreSQL's in `from`. Two lists, each with its rule.

`python -m transfuse.generate.allow_lists` writes them; tests hold them against the pinned DuckDB and a real server.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import duckdb

CLOCK = frozenset({"now", "today", "current_date", "current_timestamp"})

DUCKDB_REFUSED = re.compile(
    r"""
    __.* | .*collate_.* | icu_.* | current_.* | get_current.* | st_.* | variant_.* | enum_.* | index_key
    | create_sort_key | json_(de)?serialize.* | .*json_copy.* | parse_.* | path_join | hive_.* | vertex_.* | version
    | alias | (cast_to|make|get|replace)_type | can_cast_implicitly | .*_byte_comparable | hash | age | combine
    | finalize | to_aggregate_state | remap_struct | equi_width_bins | is_histogram_other_bin | constant_or_null
    | write_log | getvariable | .*secret.* | read_.* | pg_.*
    """,
    re.VERBOSE,
)
DUCKDB_MACROS = frozenset({
    "array_append", "array_pop_back", "array_pop_front", "array_prepend", "array_push_back", "array_push_front",
    "array_reverse", "array_to_string", "date_add", "days_in_month", "fdiv", "fmod", "if", "json", "list_any_value",
    "list_append", "list_avg", "list_bool_and", "list_bool_or", "list_count", "list_first", "list_last", "list_max",
    "list_min", "list_prepend", "list_reverse", "list_string_agg", "list_sum", "map_contains_entry",
    "map_contains_value", "nullif", "split_part",
})  # fmt: skip

POSTGRES_REFUSED = re.compile(
    r"""
    .*_to_xml.* | current_setting | set_config | pg_.* | lo_.* | loread | lowrite | dblink.* | query_to_.* | txid_.*
    | nextval | currval | lastval | setval | has_.*_privilege | row_security_active | inet_(client|server)_.*
    | version | ts_(stat|rewrite|debug|parse|token_type) | .*_validator | .*send | .*recv | .*typmodin | to_reg.*
    | (col|obj|shobj)_description | format_type | getdatabaseencoding | getpgusername | acl.* | makeaclitem | xml.*
    | timeofday | clock_timestamp | current_(database|user|schema|schemas) | session_user | popen | pclose | random
    | .*sleep.* | mxid_age | .*_accum(_inv)? | .*_combine | hash.*
    """,
    re.VERBOSE,
)
AFTER_9_5 = frozenset({
    "acosd", "acosh", "any_value", "array_shuffle", "asind", "asinh", "atan2d", "atand", "atanh", "bit_count",
    "bit_xor",
    "cosd", "cosh", "cotd", "date_bin", "factorial", "gcd", "is_normalized", "json_to_tsvector", "jsonb_insert",
    "jsonb_path_exists", "jsonb_path_exists_tz", "jsonb_path_match", "jsonb_path_match_tz", "jsonb_path_query",
    "jsonb_path_query_array", "jsonb_path_query_array_tz", "jsonb_path_query_first", "jsonb_path_query_first_tz",
    "jsonb_path_query_tz", "jsonb_set_lax", "jsonb_to_tsvector", "lcm", "log10", "macaddr8", "macaddr8_set7bit",
    "min_scale", "multirange", "normalize", "num_nonnulls", "num_nulls", "parse_ident", "phraseto_tsquery", "range_agg",
    "range_intersect_agg", "regexp_count", "regexp_instr", "regexp_like", "regexp_match", "regexp_substr", "scale",
    "sha224", "sha256", "sha384", "sha512", "sind", "sinh", "starts_with", "string_to_table", "tand", "tanh",
    "trim_array", "trim_scale", "ts_delete", "ts_filter", "tsvector_to_array", "unistr", "websearch_to_tsquery",
    "int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange", "datemultirange",
    "satisfies_hash_partition", "array_to_tsvector",
})  # fmt: skip


@cache
def duckdb_functions() -> frozenset[str]:
    """Names of DuckDB's functions that an expression may call."""
    return read_list("duckdb.txt")


@cache
def postgres_functions() -> frozenset[str]:
    """Names of `pg_catalog`'s functions that a `from` may call, all there since PostgreSQL 9.5."""
    return read_list("postgres.txt")


def read_list(file: str) -> frozenset[str]:
    """The names of one list."""
    return frozenset(files(__package__).joinpath(file).read_text(encoding="utf-8").split())


def sound_duckdb_functions() -> frozenset[str]:
    """What the pinned DuckDB offers and the rule allows: scalar, without side effects, the same result every time."""
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(
            "select function_name, bool_and(coalesce(stability, '') = 'CONSISTENT') from duckdb_functions() "
            "where function_type = 'scalar' and internal group by 1"
        ).fetchall()
        macros = connection.execute(
            "select distinct function_name from duckdb_functions() where function_type = 'macro' and internal"
        ).fetchall()
    scalars = {name for name, consistent in rows if consistent and re.fullmatch(r"\w+", name)}
    allowed = {name for name in scalars if not DUCKDB_REFUSED.fullmatch(name)}
    return frozenset(allowed | (DUCKDB_MACROS & {name for (name,) in macros}))


@cache
def duckdb_kinds() -> dict[str, str]:
    """Every function of the pinned DuckDB by name, with its kind: scalar, macro, aggregate, table, pragma, window."""
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(
            "select function_name, min(function_type) from duckdb_functions() group by 1"
        ).fetchall()
    return {str(name): str(kind) for name, kind in rows}


def postgres_function_allowed(name: str) -> bool:
    """The rule by name for a function of `pg_catalog`; the catalogue itself says whether it is immutable or stable."""
    return not POSTGRES_REFUSED.fullmatch(name) and name not in AFTER_9_5
