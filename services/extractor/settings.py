"""What the extractor needs to know: the legacy database, read only, and the ledger."""

from __future__ import annotations

from typing import Annotated

from shared.ledger.bodies import MESSAGE_BODY_BYTES as MESSAGE_BODY
from shared.settings.service import (
    MAX_ROW_BYTES,
    MESSAGE_BODY_BYTES,
    KeyEncryption,
    Ledger,
    Legacy,
    ServiceSettings,
    port,
)

DEFAULT_PORT = 4001
MOST_ROW_BYTES = 32 * 1024 * 1024


class ExtractorSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the extractor."""

    port: Annotated[int | None, port(DEFAULT_PORT)] = DEFAULT_PORT
    legacy: Legacy
    ledger: Ledger
    keyring: KeyEncryption
    max_row_bytes: Annotated[int, MAX_ROW_BYTES.optional(MOST_ROW_BYTES)] = MOST_ROW_BYTES
    message_body_bytes: Annotated[int, MESSAGE_BODY_BYTES.optional(MESSAGE_BODY)] = MESSAGE_BODY
