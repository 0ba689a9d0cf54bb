-- The text of one plan.

-- name: files
select files from transfuse.plan where hash = $1;
