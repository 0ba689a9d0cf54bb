-- name: middle_key
select :texts
from (
    select keys.*, row_number() over (order by :names) as place, count(*) over () as all_rows,
           lead(row(:names)) over (order by :names) as following
    from (select :keys from :tables :within) as keys
) as keys
where place >= all_rows / 2 and following is distinct from row(:names)
  and following is not null
order by place
limit 1;
