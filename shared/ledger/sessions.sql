-- Sessions of local accounts and the refresh tokens that prolong them.

-- name: open
-- The account is locked: who changes it waits, and ends this session too; who changed it since it was read is found out.
insert into transfuse.session (account_id, ends_at)
select id, now() + make_interval(secs => $2)
  from transfuse.account
 where id = $1 and disabled_at is null and role = $3 and password_hash = $4
   for no key update
returning id, ends_at;

-- name: signed_in
update transfuse.account set last_sign_in_at = now() where id = $1;

-- name: add_token
insert into transfuse.refresh_token (hash, session_id) values ($1, $2);

-- name: use_token
update transfuse.refresh_token set used_at = now() where hash = $1 and used_at is null returning session_id;

-- name: session_of_token
select session_id from transfuse.refresh_token where hash = $1;

-- name: lively
select s.account_id, s.ends_at
  from transfuse.session s join transfuse.account a on a.id = s.account_id
 where s.id = $1 and s.ended_at is null and s.ends_at > now() and s.used_at > now() - make_interval(secs => $2)
   and a.disabled_at is null
   for update of s;

-- name: used
update transfuse.session set used_at = now() where id = $1;

-- name: end_one
with ended as (
    update transfuse.session set ended_at = now(), ended_by = $2 where id = $1 and ended_at is null returning id
)
insert into transfuse.revocation (session, expires_at)
select id::text, now() + make_interval(secs => $3) from ended
returning session, subject, cutoff;

-- name: end_all
with ended as (
    update transfuse.session set ended_at = now(), ended_by = $2 where account_id = $1 and ended_at is null returning id
)
insert into transfuse.revocation (session, expires_at)
select id::text, now() + make_interval(secs => $3) from ended
returning session, subject, cutoff;

-- name: account_of
select account_id from transfuse.session where id = $1;

-- name: forget
select transfuse.forget_sign_ins();
