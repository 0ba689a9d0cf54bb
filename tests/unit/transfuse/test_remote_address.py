"""Where a token may be sent."""

from __future__ import annotations

import pytest

from shared.core.errors import Refused
from transfuse.remote.address import api_address


@pytest.mark.parametrize(
    ("text", "origin"),
    (
        ("https://portal.example.org", "https://portal.example.org"),
        ("https://Portal.example.org:443/", "https://portal.example.org"),
        ("https://10.1.2.3:8443", "https://10.1.2.3:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.9.9.9:80", "http://127.9.9.9"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ),
)
def test_an_origin_is_taken_as_it_is(text: str, origin: str) -> None:
    assert api_address(text).origin == origin


@pytest.mark.parametrize(
    "text",
    (
        "http://portal.example.org",
        "http://10.0.0.1:8080",
        "http://localhost.example.org",
        "http://[::2]",
        "http://127.0.0.1.example.org",
        "http://169.254.169.254",
    ),
)
def test_plaintext_leaves_this_machine_never(text: str) -> None:
    with pytest.raises(Refused) as refused:
        api_address(text)
    assert refused.value.code == "plaintext_api"


@pytest.mark.parametrize(
    "text",
    (
        "",
        "portal.example.org",
        "https://",
        "https://ops:secret-word@portal.example.org",
        "https://portal.example.org/api",
        "https://portal.example.org?x=secret-word",
        "https://portal.example.org:99999",
        "https://[::1",
        "ftp://portal.example.org",
    ),
)
def test_what_is_no_origin_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Refused) as refused:
        api_address(text)
    assert refused.value.code == "bad_api"
    assert "secret-word" not in f"{refused.value} {refused.value.remedy}"
