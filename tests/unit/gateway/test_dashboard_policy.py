import pytest

from services.gateway.dashboard import takes_gzip
from services.gateway.dashboard_policy import DashboardPolicy, origins_of


@pytest.mark.parametrize(
    ("url", "origins"),
    (
        (None, ()),
        ("", ()),
        ("https://project.supabase.co", ("https://project.supabase.co", "wss://project.supabase.co")),
        (
            "https://user:password@project.supabase.co/path?x=1",
            ("https://project.supabase.co", "wss://project.supabase.co"),
        ),
        ("wss://events.example.org:8443/socket", ("https://events.example.org:8443", "wss://events.example.org:8443")),
        ("http://127.0.0.1:8081", ("http://127.0.0.1:8081", "ws://127.0.0.1:8081")),
        ("http://[::1]:8081", ("http://[::1]:8081", "ws://[::1]:8081")),
        ("https://a.example.org; script-src *", ()),
        ("https://*", ()),
        ("https://'unsafe-inline'", ()),
        ("javascript:alert(1)", ()),
        ("data:text/html,x", ()),
        ("/relative", ()),
        ("https://[broken", ()),
    ),
)
def test_a_setting_becomes_origins_and_never_another_rule_of_the_policy(
    url: str | None, origins: tuple[str, ...]
) -> None:
    assert origins_of(url) == origins


def test_pages_reach_their_own_origin_and_what_the_settings_name() -> None:
    policy = DashboardPolicy("https://events.example.org", None, "https://p.supabase.co").with_nonce("abc")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["connect-src"] == (
        "'self' https://events.example.org wss://events.example.org https://p.supabase.co wss://p.supabase.co"
    )
    assert rules["script-src"] == "'self'"
    assert rules["style-src"] == "'self' 'nonce-abc'"
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("accepted", "taken"),
    (
        ("gzip, deflate, br", True),
        ("GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0, gzip", True),
        ("br", False),
        ("identity", False),
        ("", False),
    ),
)
def test_an_answer_is_compressed_only_for_those_who_take_it(accepted: str, taken: bool) -> None:
    assert takes_gzip(accepted) is taken
