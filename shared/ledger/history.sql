-- The runs of one migration, youngest first, a part at a time.

-- name: migration_exists
select exists (select from transfuse.migration where id = $1 and deleted_at is null);

-- name: page
select r.id, r.created_at
  from transfuse.run r
 where r.migration_id = $1
   and ($2::timestamptz is null or (r.created_at <= $2 and (r.created_at < $2 or r.id > $3::uuid)))
   and ($4::text[] is null or r.kind = any ($4::text[]))
 order by r.created_at desc, r.id
 limit $5;
