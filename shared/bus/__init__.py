"""The bus: carries what the ledger decides. A port, two implementations, one conformance suite."""
