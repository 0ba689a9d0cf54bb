-- Sign-outs: what is refused before its tokens expire.

-- name: installation
select id from transfuse.installation;

-- name: holds
select exists (select from transfuse.revocation where session = $1 and expires_at > now())
    or exists (select from transfuse.revocation where subject = $2 and cutoff >= $3 and expires_at > now());

-- name: current
select session, subject, cutoff from transfuse.revocation where expires_at > now();

-- name: add_session
insert into transfuse.revocation (session, expires_at) values ($1, $2) returning session, subject, cutoff;

-- name: add_subject
insert into transfuse.revocation (subject, cutoff, expires_at) values ($1, now(), $2) returning session, subject, cutoff;
