-- Local accounts: who may sign in where Supabase does not do it.

-- name: lock
select pg_advisory_xact_lock(hashtextextended('transfuse:accounts', 0));

-- name: insert
insert into transfuse.account (email, role, password_hash) values ($1, $2, $3)
returning id, email, role, disabled_at, created_at, changed_at, last_sign_in_at;

-- name: list
select id, email, role, disabled_at, created_at, changed_at, last_sign_in_at
  from transfuse.account
 where $1::text is null or lower(email) = lower($1)
 order by lower(email);

-- name: get
select id, email, role, disabled_at, created_at, changed_at, last_sign_in_at from transfuse.account where id = $1;

-- name: password_hash
select password_hash from transfuse.account where id = $1;

-- name: other_admins
select exists (select from transfuse.account where role = 'admin' and disabled_at is null and id <> $1);

-- name: change
update transfuse.account
   set role = coalesce($2, role),
       disabled_at = case $3::boolean when true then coalesce(disabled_at, now()) when false then null else disabled_at end,
       password_hash = coalesce($4, password_hash),
       changed_at = now()
 where id = $1
returning id, email, role, disabled_at, created_at, changed_at, last_sign_in_at;

-- name: replace_hash
update transfuse.account set password_hash = $3 where id = $1 and password_hash = $2;
