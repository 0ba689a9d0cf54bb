"""The portal: a synthetic legacy database with planted damage, and the schema it moves into (see README.md)."""
