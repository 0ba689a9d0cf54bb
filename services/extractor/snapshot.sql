-- name: export
select pg_export_snapshot() as name, md5(txid_current_snapshot()::text) as digest, txid_current_snapshot()::text as ids, transaction_timestamp() as taken_at;

-- name: digest
select md5(txid_current_snapshot()::text);

-- name: beat
select 1;

-- name: adopt
set transaction snapshot :snapshot;

-- name: search_path
set local search_path to :schema;

-- name: patience
set local statement_timeout to 0;
