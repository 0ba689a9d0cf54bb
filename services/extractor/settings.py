"""What the extractor needs to know: the legacy database, read only, and the ledger."""

from __future__ import annotations

from typing import Annotated

from shared.settings.service import KeyEncryption, Ledger, Legacy, ServiceSettings, port

DEFAULT_PORT = 4001


class ExtractorSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the extractor."""

    port: Annotated[int | None, port(DEFAULT_PORT)] = DEFAULT_PORT
    legacy: Legacy
    ledger: Ledger
    keyring: KeyEncryption
