"""What the settings promise: everything wrong at once, in words, and no value in them."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.extractor.settings import ExtractorSettings
from services.gateway.settings import GatewaySettings
from services.loader.settings import LoaderSettings
from services.notifier.settings import NotifierSettings
from services.transformer.settings import TransformerSettings
from shared.core.errors import SettingsInvalid
from shared.settings import Environment, PostgresAddress, Secret, load
from shared.settings.databases import LegacyDatabase
from shared.settings.service import SUPABASE_URL

SERVICES = (GatewaySettings, ExtractorSettings, TransformerSettings, LoaderSettings, NotifierSettings)
CANARY = "Xq7Canary"
GOOD = {
    "LEGACY_DATABASE_URL": "postgresql://reader:pw@legacy:5433/portal",
    "TARGET_DATABASE_URL": "postgresql://loader:pw@target/postgres",
    "RABBITMQ_URL": "amqp://guest:guest@broker:5672/",
    "ENCRYPTION_KEY": "00" * 31 + "01",
}
SAFE = {
    "ENVIRONMENT": "production",
    "LEGACY_DATABASE_URL": "postgresql://reader:pw@legacy:5433/portal?sslmode=verify-full",
    "TARGET_DATABASE_URL": "postgresql://loader:pw@target/postgres?sslmode=verify-full",
    "LEDGER_DATABASE_URL": "postgresql://gateway:pw@target/postgres?sslmode=verify-full",
    "RABBITMQ_URL": "amqps://guest:guest@broker:5671/",
    "REDIS_URL": "rediss://broker:6380/0",
    "ENCRYPTION_KEY": "00" * 31 + "01",
}


class LegacyOnly(msgspec.Struct, frozen=True, kw_only=True):
    legacy: Annotated[PostgresAddress, LegacyDatabase()]


class SupabaseOnly(msgspec.Struct, frozen=True, kw_only=True):
    supabase: Annotated[Secret, SUPABASE_URL]


@pytest.mark.parametrize(("settings_class", "port"), tuple(zip(SERVICES, range(4000, 4005), strict=True)))
def test_each_service_starts_with_what_its_row_of_the_services_table_names(
    settings_class: type[GatewaySettings], port: int
) -> None:
    settings = load(settings_class, GOOD)
    assert settings.port == port
    assert settings.environment is Environment.DEVELOPMENT
    assert load(settings_class, GOOD | {"PORT": "0"}).port == 0


def test_a_service_is_given_no_credentials_of_another() -> None:
    fields = {s.__name__: set(s.__struct_fields__) for s in SERVICES}
    assert [name for name, names in fields.items() if "legacy" in names] == ["ExtractorSettings"]
    assert [name for name, names in fields.items() if "target" in names] == ["LoaderSettings"]
    assert {name for name, names in fields.items() if "keyring" not in names} == {"GatewaySettings", "NotifierSettings"}


def test_every_missing_and_bad_variable_is_reported_at_once_with_an_example() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load(ExtractorSettings, {"PORT": "many", "ENVIRONMENT": "prod", "ENCRYPTION_KEY": "short"})
    lines = str(caught.value).splitlines()[1:]
    named = ["ENVIRONMENT", "RABBITMQ_URL", "PORT", "LEGACY_DATABASE_URL", "LEDGER_DATABASE_URL", "ENCRYPTION_KEY"]
    assert [line.split()[1] for line in lines] == named
    assert all("for example" in line for line in lines if "ENVIRONMENT" not in line)


@given(
    st.sampled_from(sorted(SAFE)),
    st.sampled_from(["{}", "amqp://{}", "postgresql://u:{}@h:x/d", "postgresql://u:{}@h"]),
)
def test_a_bad_value_is_never_repeated(name: str, form: str) -> None:
    environ = SAFE | {name: form.format(CANARY)}
    for settings_class in SERVICES:
        assert CANARY not in _shown(settings_class, environ)


def test_a_loaded_secret_does_not_show_in_the_settings() -> None:
    shown = repr(load(ExtractorSettings, GOOD | {"RABBITMQ_URL": f"amqp://me:{CANARY}@broker"}))
    assert CANARY not in shown
    assert "pw" not in shown


def test_a_secret_comes_from_a_file_without_its_newline(tmp_path: Path) -> None:
    file = tmp_path / "rabbit"
    file.write_text("amqp://me:it@broker/\n", encoding="utf-8")
    environ = {k: v for k, v in GOOD.items() if k != "RABBITMQ_URL"} | {"RABBITMQ_URL_FILE": str(file)}
    settings = load(TransformerSettings, environ)
    assert settings.rabbitmq == Secret("amqp://me:it@broker/")


@pytest.mark.parametrize(
    "environ",
    (
        GOOD | {"ENCRYPTION_KEY_FILE": "/nowhere/key"},
        {k: v for k, v in GOOD.items() if k != "ENCRYPTION_KEY"} | {"ENCRYPTION_KEY_FILE": "/nowhere/key"},
    ),
    ids=("set twice", "unreadable"),
)
def test_a_secret_file_that_cannot_be_used_is_a_complaint(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid, match="ENCRYPTION_KEY_FILE"):
        load(TransformerSettings, environ)


def test_an_empty_variable_is_a_missing_one() -> None:
    with pytest.raises(SettingsInvalid, match="RABBITMQ_URL is missing"):
        load(TransformerSettings, GOOD | {"RABBITMQ_URL": "  "})


@pytest.mark.parametrize("settings_class", SERVICES)
def test_production_accepts_encrypted_connections(settings_class: type[GatewaySettings]) -> None:
    assert load(settings_class, SAFE).environment is Environment.PRODUCTION


@pytest.mark.parametrize(
    ("settings_class", "name", "plain"),
    (
        (GatewaySettings, "RABBITMQ_URL", "amqp://broker"),
        (GatewaySettings, "REDIS_URL", "redis://broker"),
        (GatewaySettings, "LEDGER_DATABASE_URL", "postgresql://u:p@h/d"),
        (ExtractorSettings, "LEGACY_DATABASE_URL", "postgresql://u:p@h/d?sslmode=require"),
        (LoaderSettings, "TARGET_DATABASE_URL", "postgresql://u:p@h/d?sslmode=verify-ca"),
        (SupabaseOnly, "SUPABASE_URL", "http://project.supabase.co"),
    ),
)
def test_production_refuses_plaintext_and_names_the_variable(
    settings_class: type[GatewaySettings], name: str, plain: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load(settings_class, SAFE | {name: plain})
    (line,) = str(caught.value).splitlines()[1:]
    assert line.startswith(f"- {name} must ")
    assert "in production" in line


def test_the_ledger_is_in_the_target_unless_production_asks_for_a_role_of_its_own() -> None:
    assert load(GatewaySettings, GOOD).ledger.host == "target"
    own = GOOD | {"LEDGER_DATABASE_URL": "postgresql://gateway:pw@ledger/postgres"}
    assert load(GatewaySettings, own).ledger.host == "ledger"
    with pytest.raises(SettingsInvalid, match="LEDGER_DATABASE_URL is missing"):
        load(GatewaySettings, {k: v for k, v in SAFE.items() if k != "LEDGER_DATABASE_URL"})


def test_the_legacy_database_is_given_in_parts_or_as_one_url() -> None:
    parts = {
        "LEGACY_DB_HOST": "legacy",
        "LEGACY_DB_PORT": "5433",
        "LEGACY_DB_NAME": "portal",
        "LEGACY_DB_USER": "reader",
        "LEGACY_DB_PASSWORD": "pw",
    }
    assert load(LegacyOnly, parts) == load(LegacyOnly, {"LEGACY_DATABASE_URL": GOOD["LEGACY_DATABASE_URL"]})
    with pytest.raises(SettingsInvalid, match="both set"):
        load(LegacyOnly, parts | {"LEGACY_DATABASE_URL": GOOD["LEGACY_DATABASE_URL"]})
    assert load(LegacyOnly, parts | {"ENVIRONMENT": "production"}).legacy.sslmode == "verify-full"
    with pytest.raises(SettingsInvalid, match="LEGACY_DB_SSLMODE must be verify-full in production"):
        load(LegacyOnly, parts | {"ENVIRONMENT": "production", "LEGACY_DB_SSLMODE": "require"})


def test_missing_parts_of_the_legacy_address_are_all_named() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load(LegacyOnly, {"LEGACY_DB_HOST": "legacy", "LEGACY_DB_PORT": "99999"})
    text = str(caught.value)
    assert all(f"LEGACY_DB_{part}" in text for part in ("PORT", "NAME", "USER"))


@pytest.mark.parametrize(
    "url",
    (
        "mysql://u@h/d",
        "postgresql://h/d",
        "postgresql://u@/d",
        "postgresql://u@h/",
        "postgresql://u@h:port/d",
        "postgresql://u@h/d?sslmode=strict",
        "postgresql://u@h/d?search_path=x",
        "postgresql://u@[::1/d",
        "h",
    ),
)
def test_a_url_that_is_no_postgresql_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="LEGACY_DATABASE_URL"):
        load(LegacyOnly, {"LEGACY_DATABASE_URL": url})


text = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


@given(user=text, password=st.none() | text, database=text, host=st.sampled_from(["h", "10.0.0.1", "::1", "/run/pg"]))
def test_an_address_written_as_url_is_read_back_the_same(
    user: str, password: str | None, database: str, host: str
) -> None:
    address = PostgresAddress(
        host=host,
        port=5433,
        database=database,
        user=user,
        password=None if password is None else Secret(password),
        sslmode="require",
    )
    assert load(LegacyOnly, {"LEGACY_DATABASE_URL": address.url.reveal()}).legacy == address


def test_only_verified_modes_check_who_answers() -> None:
    def context(mode: str) -> tuple[bool, bool] | None:
        made = PostgresAddress(host="h", database="d", user="u", sslmode=mode).ssl_context()
        return None if made is None else (made.verify_mode.name == "CERT_REQUIRED", made.check_hostname)

    assert context("prefer") is None
    assert context("require") == (False, False)
    assert context("verify-ca") == (True, False)
    assert context("verify-full") == (True, True)


def test_a_secret_is_equal_by_its_text_and_shows_nothing() -> None:
    secret = Secret(CANARY)
    assert secret == Secret(CANARY)
    assert secret != Secret("other")
    assert f"{secret} {secret!r} {secret:>20}".count(CANARY) == 0
    assert secret.reveal() == CANARY


def _shown(settings_class: type[msgspec.Struct], environ: dict[str, str]) -> str:
    """Everything that loading may show to a person or a log."""
    try:
        return repr(load(settings_class, environ))
    except SettingsInvalid as error:
        return "".join(traceback.format_exception(error))
