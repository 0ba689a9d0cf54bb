"""What a dashboard has to know before anybody is signed in."""

from __future__ import annotations

from shared.core.document import Document


class ConfigurationDocument(Document, frozen=True, kw_only=True):
    """Public settings. Without `supabase_url` people sign in here; without `socket_url` sockets are at this origin."""

    supabase_url: str | None
    supabase_anon_key: str | None
    socket_url: str | None
