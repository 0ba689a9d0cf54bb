-- Which parents are in the target.

-- name: there
select distinct {column}::text from {table} where {column} = any ($1::text[]::{type}[])
