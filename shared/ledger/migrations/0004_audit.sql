-- The audit: appended by one function only, every entry chained to the one before it by its hash. Table, head and function belong
-- to a role that nobody can log in as; `transfuse init` hands them over.

create table transfuse.audit (
    seq           bigint primary key,                    -- 1, 2, 3 … without a gap
    at            timestamptz not null,
    actor         text not null,
    role          text not null,
    action        text not null,
    object_kind   text not null,
    object_id     text not null,
    outcome       text not null,
    address       text not null,
    request_id    text not null,
    detail        jsonb not null,                        -- names and counts; of an unmasking also the reason that was given
    previous_hash bytea not null,
    hash          bytea not null
);

create index audit_by_actor on transfuse.audit (actor, seq);
create index audit_by_action on transfuse.audit (action, seq);
create index audit_by_time on transfuse.audit (at);

create table transfuse.audit_head (                     -- one row: the last entry
    only_row boolean primary key default true check (only_row),
    seq      bigint not null,
    hash     bytea not null
);

insert into transfuse.audit_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));

-- Appends one entry and gives its number. It holds the head until the transaction ends: call it last.
-- hash = sha256(previous hash || canonical bytes); the canonical bytes are, field after field, the length in bytes of its text in
-- UTF-8, a colon, and the text: nothing can be shifted from one field into the next. shared/ledger/audit.py computes the same.
create function transfuse.append_audit(
    actor text, role text, action text, object_kind text, object_id text, outcome text, address text, request_id text, detail jsonb
) returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    head transfuse.audit_head;
    number bigint;
    moment timestamptz;
    canonical text;
    entry_hash bytea;
begin
    select h.* into strict head from transfuse.audit_head h for update;
    number := head.seq + 1;
    moment := clock_timestamp();
    select string_agg(octet_length(convert_to(f.field, 'UTF8')) || ':' || f.field, '' order by f.position)
      into canonical
      from unnest(array[number::text, to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), actor, role, action,
                        object_kind, object_id, outcome, address, request_id, detail::text])
           with ordinality as f (field, position);
    entry_hash := sha256(head.hash || convert_to(canonical, 'UTF8'));
    insert into transfuse.audit (seq, at, actor, role, action, object_kind, object_id, outcome, address, request_id, detail,
                                 previous_hash, hash)
    values (number, moment, append_audit.actor, append_audit.role, append_audit.action, append_audit.object_kind,
            append_audit.object_id, append_audit.outcome, append_audit.address, append_audit.request_id, append_audit.detail,
            head.hash, entry_hash);
    update transfuse.audit_head h set seq = number, hash = entry_hash;
    return number;
end $$;

revoke execute on function transfuse.append_audit(text, text, text, text, text, text, text, text, jsonb) from public;
