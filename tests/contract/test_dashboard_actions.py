"""The actions by which the page of the audit filters: all that the services record, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from services.gateway.api.auditing import REFUSED
from services.gateway.resources.table import ENDPOINTS
from shared.ledger.legacy_reads import ACTION

PAGE = Path(__file__).resolve().parents[2] / "dashboard/src/words/actions.ts"
OPENED = "quarantine.open"
"""What the loader notes of a row that it unseals."""


def test_the_audit_can_be_filtered_by_every_action_that_is_recorded() -> None:
    shown = re.findall(r'^  "([a-z.]+)",$', PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == sorted({endpoint.audit for endpoint in ENDPOINTS if endpoint.audit} | {ACTION, OPENED, REFUSED})
