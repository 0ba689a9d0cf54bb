"""PostgreSQL as a target of ours and a source of rows: pools, catalogue, COPY, quoting, errors."""
