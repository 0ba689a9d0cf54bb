"""One transaction per batch: rows, quarantine, counts, settlement."""
