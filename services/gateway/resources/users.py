"""Local accounts, for administrators; there are none where people sign in at Supabase."""

from __future__ import annotations

from http import HTTPStatus

from services.gateway.api.endpoint import Answer, Call, Endpoint, Nothing, Tag
from services.gateway.documents.users import UserChangeForm, UserDocument, UserForm, UserList, UserPath
from services.gateway.resources.sign_in import local_sign_ins
from shared.identity.permissions import Permission
from shared.ledger.accounts import Account, AccountChange


async def list_users(call: Call[Nothing, Nothing, None]) -> UserList:
    local_sign_ins(call.api)
    found = await call.api.accounts.list()
    return UserList(users=tuple(document_of(account) for account in found), total=len(found))


async def create_user(call: Call[Nothing, Nothing, UserForm]) -> Answer[UserDocument]:
    sign_ins, form = local_sign_ins(call.api), call.body
    kept = await sign_ins.passwords.hashed(form.password, email=form.email)
    account = await call.api.accounts.create(form.email, form.role, kept)
    return Answer(document=document_of(account), audit={"id": str(account.id), "role": account.role.value})


async def change_user(call: Call[UserPath, Nothing, UserChangeForm]) -> Answer[UserDocument]:
    sign_ins, form = local_sign_ins(call.api), call.body
    kept = None
    if form.password is not None:
        account = await call.api.accounts.get(call.path.id)
        kept = await sign_ins.passwords.hashed(form.password, email=account.email)
    change = AccountChange(role=form.role, disabled=form.disabled, password_hash=kept)
    account, ended = await call.api.accounts.change(call.path.id, change, by=call.caller.who.subject)
    await call.api.deny_list.told(ended)
    detail = {"role": account.role.value, "disabled": int(account.disabled_at is not None)}
    return Answer(
        document=document_of(account),
        audit={**detail, "passwordChanged": int(kept is not None), "sessionsEnded": len(ended)},
    )


def document_of(account: Account) -> UserDocument:
    """An account of the ledger as the API shows it."""
    return UserDocument(
        id=account.id,
        email=account.email,
        role=account.role,
        disabled=account.disabled_at is not None,
        created_at=account.created_at,
        changed_at=account.changed_at,
        last_sign_in_at=account.last_sign_in_at,
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/users",
        operation_id="listUsers",
        permission=Permission.USER_READ,
        summary="Local accounts",
        tag=Tag.USERS,
        handler=list_users,
        answer=UserList,
        also={409: None},
    ),
    Endpoint(
        method="POST",
        path="/api/users",
        operation_id="createUser",
        permission=Permission.USER_WRITE,
        summary="Make an account",
        tag=Tag.USERS,
        handler=create_user,
        body=UserForm,
        answer=UserDocument,
        status=HTTPStatus.CREATED,
        also={409: None},
        audit="user.create",
    ),
    Endpoint(
        method="PATCH",
        path="/api/users/{id}",
        operation_id="changeUser",
        permission=Permission.USER_WRITE,
        summary="Change the role or the password of an account, disable or enable it",
        tag=Tag.USERS,
        handler=change_user,
        parameters=UserPath,
        body=UserChangeForm,
        answer=UserDocument,
        also={404: None, 409: None},
        audit="user.change",
    ),
)
