"""The plan language: from YAML with positions to what the extractor reads, the transformer runs and the loader checks."""
