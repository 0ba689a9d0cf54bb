-- Which rows were written since another snapshot was taken. PostgreSQL 9.5 and later.

-- name: now
select txid_current_snapshot()::text;

-- name: any
select exists (select from :table as t where :written);

-- name: written
-- Transaction ids are counted modulo 2^32; 0 to 2 are of no transaction. A row that is seen now was written before :window
-- further ids were given out, so that an old id of another round is not taken for a new one.
(:alias.xmin::text::bigint > 2
 and ((:alias.xmin::text::bigint - :newest + 4294967296) % 4294967296 < :window or :alias.xmin::text::bigint in (:running)))

-- name: keys
select :texts
from :tables:within;
