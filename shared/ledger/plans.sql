-- Plans: kept under their hash for ever, numbered by name.

-- name: lock
select pg_advisory_xact_lock(hashtextextended('transfuse:plan:' || $1, 0));

-- name: known
select version from transfuse.plan where hash = $1;

-- name: insert
insert into transfuse.plan (hash, name, version, files, mapping_count)
select $1, $2, coalesce((select max(version) from transfuse.plan where name = $2), 0) + 1, $3::jsonb, $4
returning version;

-- name: newest
select distinct on (name) name, version, hash, created_at, mapping_count
  from transfuse.plan
 where $1::text is null or name > $1
 order by name, version desc
 limit $2;

-- name: versions
select version, hash, created_at
  from transfuse.plan
 where name = $1 and ($2::integer is null or version < $2)
 order by version desc
 limit $3;

-- name: read
select name, version, hash, created_at, files
  from transfuse.plan
 where name = $1 and ($2::integer is null or version = $2)
 order by version desc
 limit 1;
