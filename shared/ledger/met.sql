-- Codes met under code books, for the report of a run.

-- name: write
insert into transfuse.met_code (run_id, books) values ($1, $2::text::jsonb)
on conflict (run_id) do update set books = excluded.books;

-- name: read
select books from transfuse.met_code where run_id = $1;
