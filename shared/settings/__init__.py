"""Typed settings from the environment: everything wrong is reported at once, and no value is ever repeated."""

from __future__ import annotations

from shared.settings.addresses import PostgresAddress
from shared.settings.environ import Environment
from shared.settings.load import load
from shared.settings.secret import Secret

__all__ = ["Environment", "PostgresAddress", "Secret", "load"]
