create schema legacy;
create domain legacy.code as varchar(12);
create type legacy.mood as enum ('sad', 'ok', 'happy');

create table legacy."Odd ""Name" (
    id integer primary key, big bigint, small smallint, amount numeric(12,2), free numeric, txt text, short varchar(5),
    padded char(6), at timestamptz, day date, u uuid, flag boolean, code legacy.code, mood legacy.mood, raw bytea,
    bits bit(8)
);
insert into legacy."Odd ""Name"
select
    i, i * 1000000007::bigint, i - 100, i / 7.0, i / 3.0,
    case i % 5 when 0 then E'a\\b''c' when 1 then '' else chr(32 + i % 90) end || i,
    chr(65 + i % 26) || i % 1000, chr(97 + i % 26) || i % 1000,
    '2020-01-01'::timestamptz + i * interval '1 hour 1 second', '0044-03-15 BC'::date + i, md5(i::text)::uuid,
    i % 2 = 0, 'c' || i, (array['sad', 'ok', 'happy'])[i % 3 + 1]::legacy.mood, decode(md5(i::text), 'hex'), i::bit(8)
from generate_series(1, 200) as i;

create table legacy.child (id integer primary key, parent integer, n integer);
insert into legacy.child select i, i % 50, i from generate_series(1, 120) as i;

create table legacy.log (line text, level integer, detail json);
insert into legacy.log
select 'line ' || i % 7, i % 3, ('{"a": ' || i % 2 || '}')::json from generate_series(1, 60) as i;
insert into legacy.log values (null, null, null), (null, null, null), ('', null, null);
