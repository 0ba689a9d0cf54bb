"""What a later PostgreSQL than 9.5 brought, as far as statements that read may hold it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.plan.allow import AFTER_9_5

LITERAL = re.compile(r"[eE]?'(?:[^']|'')*'")
COMMENT = re.compile(r"--[^\n]*")
QUOTED = re.compile(r'"(?:[^"]|"")*"')
CALL = re.compile(r"\b([a-z_][a-z0-9_]*)\s*\(")
SETTING = re.compile(r"\bset\s+(?:local\s+|session\s+)?([a-z_]+)")

FUNCTIONS = AFTER_9_5 | frozenset({
    "gen_random_uuid", "pg_blocking_pids", "pg_current_snapshot", "pg_current_wal_lsn", "pg_current_xact_id",
    "pg_current_xact_id_if_assigned", "pg_get_partkeydef", "pg_input_is_valid",
    "pg_last_wal_replay_lsn", "pg_partition_ancestors", "pg_partition_root", "pg_partition_tree",
    "pg_sequence_last_value",
    "pg_snapshot_xmin", "pg_visible_in_snapshot", "pg_wal_lsn_diff", "pg_xact_status", "json_array", "json_exists",
    "json_object_agg_unique", "json_query", "json_scalar", "json_serialize", "json_table", "json_value",
    "random_normal",
    "xmltable", "date_add", "date_subtract", "array_sample", "array_sort", "array_reverse", "to_bin", "to_oct",
    "erf", "erfc", "gamma", "lgamma", "crc32", "crc32c", "casefold", "uuidv4", "uuidv7", "uuid_extract_version",
    "uuid_extract_timestamp", "pg_column_toast_chunk_id", "pg_basetype",
})  # fmt: skip
NAMES = (
    # columns and tables of the catalogue
    *("attidentity", "attgenerated", "atthasmissing", "attmissingval", "attcompression", "relispartition"),
    *("relpartbound", "relrewrite", "indnkeyatts", "indnullsnotdistinct", "conparentid", "conperiod", "prokind"),
    *("proparallel", "prosupport", "prosqlbody", "polpermissive", "tgparentid", "collprovider", "collisdeterministic"),
    *("datlocprovider", "pg_sequences", "pg_sequence", "pg_partitioned_table", "pg_publication", "pg_subscription"),
    *("pg_statistic_ext", "pg_stat_progress_[a-z]+", "pg_hba_file_rules", "pg_stat_wal_receiver", "pg_stat_io"),
    *("pg_publication_tables", "pg_stats_ext", "pg_shmem_allocations", "pg_backend_memory_contexts", "pg_init_privs"),
)
SYNTAX = {
    "add column if not exists": r"add\s+column\s+if\s+not\s+exists",
    "as materialized": r"\bas\s+(?:not\s+)?materialized\s*\(",
    "generated columns": r"\bgenerated\s+(?:always|by)\b",
    "partitions": r"\bpartition\s+of\b",
    "with ties": r"\bwith\s+ties\b",
    "frames": r"\bgroups\s+(?:between|unbounded|current|\d)|\bexclude\s+(?:current|group|ties|no)\b",
    "nulls not distinct": r"\bnulls\s+(?:not\s+)?distinct\b",
    "is json": r"\bis\s+(?:not\s+)?json\b",
    "merge": r"\bmerge\s+into\b",
    "current_setting with a second argument": r"\bcurrent_setting\s*\([^(),]*,",
    "options of explain": r"\bexplain\s*\([^)]*\b(?:summary|settings|wal|generic_plan|memory|serialize)\b",
    "jsonpath": r"@\?|::\s*jsonpath|\bjsonpath\b",
    "starts with": r"\^@",
    "numbers with underscores": r"\b\d+_\d|\b0[xob][0-9a-f]+\b",
    "limits on parallel work": r"\bparallel\s+(?:safe|unsafe|restricted)\b",
    "grouping distinct": r"\bgroup\s+by\s+(?:all|distinct)\b",
    "search and cycle": r"\bsearch\s+(?:depth|breadth)\s+first\b|\bcycle\s+\w+\s+set\b",
}
SETTINGS = (
    *("jit", "plan_cache_mode", "hash_mem_multiplier", "idle_in_transaction_session_timeout", "idle_session_timeout"),
    *("max_parallel_workers_per_gather", "max_parallel_workers", "parallel_setup_cost", "parallel_tuple_cost"),
    *("min_parallel_table_scan_size", "force_parallel_mode", "debug_parallel_query", "enable_incremental_sort"),
    *("enable_memoize", "enable_parallel_hash", "enable_parallel_append", "enable_gathermerge", "tcp_user_timeout"),
    *("enable_partitionwise_join", "enable_partitionwise_aggregate", "client_connection_check_interval"),
    *("transaction_timeout", "old_snapshot_threshold", "default_toast_compression"),
)


def newer_than_9_5(statement: str) -> Iterator[str]:
    """What of a statement PostgreSQL 9.5 would not know; its constants are not looked at, quoted names are."""
    text = LITERAL.sub("''", COMMENT.sub("", statement)).lower()
    plain = QUOTED.sub("q", text)
    yield from (f"function {name}" for name in CALL.findall(plain) if name in FUNCTIONS)
    yield from (f"setting {name}" for name in SETTING.findall(plain) if name in SETTINGS)
    yield from (f"name {name}" for name in NAMES if re.search(rf"\b{name}\b", text))
    yield from (f"syntax: {what}" for what, pattern in SYNTAX.items() if re.search(pattern, plain))
