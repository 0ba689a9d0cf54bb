-- Which run each migration is at.

-- name: current_runs
select id, last_run from transfuse.living_migration where id = any ($1::uuid[]);
