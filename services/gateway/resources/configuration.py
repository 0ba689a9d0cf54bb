"""What a dashboard has to know before anybody is signed in."""

from __future__ import annotations

from yarl import URL

from services.gateway.api.endpoint import Call, Endpoint, Nothing, Tag
from services.gateway.documents.configuration import ConfigurationDocument
from shared.identity.permissions import Permission


async def read_configuration(call: Call[Nothing, Nothing, None]) -> ConfigurationDocument:
    settings = call.api.settings
    supabase = settings.supabase_url
    return ConfigurationDocument(
        # Without a name and a password, which a URL may have and nobody needs here.
        supabase_url=None if supabase is None else str(URL(supabase.reveal()).with_user(None)),
        supabase_anon_key=None if supabase is None else settings.supabase_anon_key,
        socket_url=settings.socket_url,
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/config",
        operation_id="readConfiguration",
        permission=Permission.ANYONE,
        summary="Where people sign in and where live updates come from",
        tag=Tag.SYSTEM,
        handler=read_configuration,
        answer=ConfigurationDocument,
    ),
)
