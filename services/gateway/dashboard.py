"""The dashboard: its files, and its one page at every other address, so that a link into it opens what it names."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from services.gateway.api.problems import not_found
from services.gateway.dashboard_files import HASHED, DashboardFile
from services.gateway.dashboard_policy import DashboardPolicy
from services.gateway.settings import GatewaySettings

PATHS: Final = r"/{path:(?!(?:api|socket\.io)(?:/|$)).*}"
"""Every address that is not the API's or the sockets'."""
PAGE: Final = "index.html"
NONCE: Final = b"{{nonce}}"
"""Where the page names the nonce of the answer, for libraries that make style elements."""
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASKED_AGAIN: Final = "no-cache"
REFUSED: Final = re.compile(r"q=0(\.0*)?")
NOT_BUILT: Final = b"""<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Transfuse</title></head>
  <body>
    <h1>The dashboard is not built</h1>
    <p>In the checkout, <code>make dashboard</code> builds it; start the gateway again afterwards.</p>
    <p>The API is here all the same: <a href="/api/docs">its documentation</a>.</p>
  </body>
</html>
"""


class Dashboard:
    """Answers what a browser asks for outside of the API."""

    def __init__(self, files: Mapping[str, DashboardFile], settings: GatewaySettings) -> None:
        self._files = {path: file for path, file in files.items() if path != PAGE}
        self._page = files.get(PAGE)
        supabase = settings.supabase_url
        self._policy = DashboardPolicy(settings.socket_url, None if supabase is None else supabase.reveal())

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A file, or the page. Raises ApiError 404 for a file that is not there."""
        path = request.match_info["path"]
        file = self._files.get(path)
        if file is not None:
            return _answer_file(request, file)
        if path != PAGE and _names_file(path):
            raise not_found("file")
        return self._answer_page()

    def _answer_page(self) -> web.Response:
        if self._page is None:
            return web.Response(
                status=HTTPStatus.SERVICE_UNAVAILABLE, body=NOT_BUILT, content_type="text/html", charset="utf-8"
            )
        nonce = secrets.token_urlsafe(18)
        headers = {
            "Content-Type": self._page.media_type,
            "Content-Security-Policy": self._policy.with_nonce(nonce),
            "Cache-Control": ASKED_AGAIN,
        }
        return web.Response(body=self._page.content.replace(NONCE, nonce.encode("ascii")), headers=headers)


def _names_file(path: str) -> bool:
    """Whether only a file can be meant: a page for a script that is gone would be run, and kept, as that script."""
    return path.startswith(f"{HASHED}/") or ("/" not in path and "." in path)


def _answer_file(request: web.Request, file: DashboardFile) -> web.Response:
    headers = {
        "Content-Type": file.media_type,
        "Cache-Control": FOR_EVER if file.is_hashed else ASKED_AGAIN,
        "ETag": file.etag,
    }
    if file.gzipped is not None:
        headers["Vary"] = "Accept-Encoding"
    if file.etag in _tags(request.headers.get("If-None-Match", "")):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if file.gzipped is not None and takes_gzip(request.headers.get("Accept-Encoding", "")):
        return web.Response(body=file.gzipped, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=file.content, headers=headers)


def _tags(header: str) -> Iterable[str]:
    return (tag.strip().removeprefix("W/") for tag in header.split(","))


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header lets an answer be compressed so."""
    weights = {name.strip(): weight.replace(" ", "") for name, _, weight in _parts(accepted.lower())}
    weight = weights.get("gzip", weights.get("*"))
    return weight is not None and REFUSED.fullmatch(weight) is None


def _parts(accepted: str) -> Iterable[tuple[str, str, str]]:
    return (part.partition(";") for part in accepted.split(","))
