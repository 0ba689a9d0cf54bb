-- What the target holds of the rows of a run, in the columns whose sums are to be proven.

-- name: create
create temporary table transfuse_proven (key uuid not null) on commit drop;

-- name: analyze
analyze pg_temp.transfuse_proven;

-- name: target
select {sums}
  from pg_temp.transfuse_proven k join {table} t on {identity}

-- name: sum
count(*) filter (where {finite}), coalesce(sum(t.{column}::numeric) filter (where {finite}), 0)::text,
count(*) filter (where not {finite})

-- name: finite
t.{column}::numeric::text not in ('NaN', 'Infinity', '-Infinity')
