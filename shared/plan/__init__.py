"""The plan language: from YAML with positions to what extractor, transformer and loader execute."""
