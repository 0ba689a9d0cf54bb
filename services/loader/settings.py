"""What the loader needs to know: the target, whose ledger settles a batch in the transaction of its rows."""

from __future__ import annotations

from typing import Annotated

from shared.settings.service import KeyEncryption, ServiceSettings, ServiceToken, Target, port

DEFAULT_PORT = 4003


class LoaderSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the loader. Rows and settlement are one transaction, so it has one database: the target."""

    port: Annotated[int | None, port(DEFAULT_PORT)] = DEFAULT_PORT
    target: Target
    keyring: KeyEncryption
    service_token: ServiceToken = None
