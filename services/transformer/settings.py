"""What the transformer needs to know: the ledger, where compiled plans and wrapped keys are."""

from __future__ import annotations

from typing import Annotated

from shared.ledger.bodies import MESSAGE_BODY_BYTES as MESSAGE_BODY
from shared.settings.service import MESSAGE_BODY_BYTES, KeyEncryption, Ledger, ServiceSettings, port

DEFAULT_PORT = 4002


class TransformerSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the transformer."""

    port: Annotated[int | None, port(DEFAULT_PORT)] = DEFAULT_PORT
    ledger: Ledger
    keyring: KeyEncryption
    message_body_bytes: Annotated[int, MESSAGE_BODY_BYTES.optional(MESSAGE_BODY)] = MESSAGE_BODY
