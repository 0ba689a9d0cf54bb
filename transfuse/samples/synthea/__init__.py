"""Synthea sample: 27 synthetic patients in 18 tables, half of them without a key, and a small schema they move into."""
