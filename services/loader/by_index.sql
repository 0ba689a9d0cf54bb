-- How a batch is joined with its table.

-- name: by_index
-- A batch is a small part of its table: to hash the whole table for each took seven times as long (25,000 rows of a million).
set local enable_hashjoin = off; set local enable_mergejoin = off

-- name: as_usual
set local enable_hashjoin to default; set local enable_mergejoin to default
