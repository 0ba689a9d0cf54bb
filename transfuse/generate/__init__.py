"""Writers of generated files."""
