"""The ledger: a schema `transfuse` in the target database. The truth about every run, batch and row."""
