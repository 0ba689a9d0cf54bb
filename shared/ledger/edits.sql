-- Edited values.

-- name: keep
insert into transfuse.quarantine_edit
    (id, run_id, quarantine_id, mapping, target_key, "column", sealed_old, sealed_new, actor, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
