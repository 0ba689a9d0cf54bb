"""Signing in and out with a local account."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

import msgspec

from shared.core.errors import Refused, TransfuseError
from shared.identity.access_tokens import AccessTokens
from shared.identity.deny_list import DenyList, until
from shared.identity.identity import Identity
from shared.identity.passwords import Passwords
from shared.identity.verifier import issuer_of
from shared.ledger.accounts import Account, Accounts
from shared.ledger.sessions import REVOKED_SECONDS, OpenSession, Sessions
from shared.postgres.pools import Pool
from shared.settings.secret import Secret
from shared.settings.service import IdentitySettings

NOBODY = UUID(int=0)
"""Asked for in place of an account that is not there, so that the answer takes as long."""


class SignInRefused(TransfuseError):
    """A wrong e-mail, a wrong password, a disabled account, an ended session: the caller is not told which."""

    code = "sign_in_refused"
    remedy = "Check both and try again, or ask an administrator."


class TokenReused(SignInRefused):
    """A refresh token came a second time: it is in two hands, and its session has ended for both of them."""

    def __init__(self, session: UUID, account: UUID) -> None:
        super().__init__("The session has ended.", remedy="Sign in again.")
        self.session = session
        self.account = account


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has signed in: `access_token` for requests, good for `seconds`, and the session that gives more."""

    access_token: Secret
    seconds: int
    session: OpenSession
    account: Account


class SignIns:
    """Local sign-ins. All raise DatabaseUnreachable; a session that ended is refused from that moment.

    `passwords` is for all who hash: two at once is the bound of the process.
    """

    def __init__(
        self,
        *,
        accounts: Accounts,
        sessions: Sessions,
        passwords: Passwords,
        tokens: AccessTokens,
        deny_list: DenyList,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self.passwords = passwords
        self._tokens = tokens
        self._deny_list = deny_list

    async def sign_in(self, email: str, password: str) -> SignedIn:
        """Open a session. Raises SignInRefused, after the same time whatever was wrong, and SignInBusy."""
        account = await self._accounts.find(email)
        kept = await self._accounts.password_hash(NOBODY if account is None else account.id)
        if not await self.passwords.matches(kept, password) or account is None or kept is None:
            raise SignInRefused("E-mail and password do not open an account.")
        session = await self._sessions.open(account.id, role=account.role, password_hash=kept)
        if session is None:
            raise SignInRefused("E-mail and password do not open an account.")
        if self.passwords.is_outdated(kept):
            with suppress(Refused):  # a password of earlier rules stays as it is kept
                new = await self.passwords.hashed(password, email=account.email)
                await self._accounts.replace_hash(account.id, kept, new)
        return self._signed_in(account, session)

    async def prolong(self, refresh_token: str) -> SignedIn:
        """The next access token. Raises SignInRefused; a refresh token that was used before ends its session.

        The one that ended it raises TokenReused.
        """
        session, ended = await self._sessions.prolong(refresh_token)
        await self._deny_list.told(ended)
        if ended and (known := await self._sessions.of_token(refresh_token)) is not None:
            raise TokenReused(*known)
        if session is None:
            raise SignInRefused("The session has ended.", remedy="Sign in again.")
        return self._signed_in(await self._accounts.get(session.account), session)

    async def sign_out(
        self, identity: Identity | None, refresh_token: str, *, everywhere: bool = False
    ) -> frozenset[UUID]:
        """End the sessions of a token and of a refresh token, or all of their accounts, which it gives. Idempotent."""
        known = await self._sessions.of_token(refresh_token) if refresh_token else None
        sessions, accounts = set[UUID](), set[UUID]()
        if known is not None:
            sessions.add(known[0])
            accounts.add(known[1])
        if identity is not None:
            accounts.add(identity.subject)
            # Whatever the ledger knows of it: this very token is refused from now on.
            await self._deny_list.revoke(identity, until(REVOKED_SECONDS))
            with suppress(ValueError):
                sessions.add(UUID(identity.session))
        for session in sessions:
            await self._deny_list.told(await self._sessions.end(session))
        for account in accounts if everywhere else ():
            await self._deny_list.told(await self._sessions.end_all(account))
        return frozenset(accounts)

    def _signed_in(self, account: Account, session: OpenSession) -> SignedIn:
        token, seconds = self._tokens.issue(account, session.id, session.ends_at)
        return SignedIn(access_token=token, seconds=seconds, session=session, account=account)


def sign_ins_of(settings: IdentitySettings, ledger: Pool, deny_list: DenyList) -> SignIns | None:
    """Local sign-ins; None where people sign in at Supabase, or where nothing is set to sign tokens with."""
    if settings.supabase_url is not None or settings.jwt_secret is None:
        return None
    return SignIns(
        accounts=Accounts(ledger),
        sessions=Sessions(ledger),
        passwords=Passwords(),
        tokens=AccessTokens(settings.jwt_secret, issuer=issuer_of(settings), audience=settings.jwt_audience),
        deny_list=deny_list,
    )
