"""Production refuses to start half configured, and says which variable is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from portal.settings.sign_in import sign_in

GOOD = {
    "BURSAR_SECRET_KEY": "x" * 40,
    "BURSAR_CREDENTIAL_KEYS": "5Q3zRS8_CUfgCC2cCKZTbyqpaKp4hf9N7TRPFZ1wSZE=",
    "BURSAR_AUDIT_KEYS": "y" * 40,
    "BURSAR_ALLOWED_HOSTS": "gpus.example.org",
    "BURSAR_DATABASE_URL": "postgres://bursar:secret@127.0.0.1:1/bursar",
    "BURSAR_REDIS_URL": "redis://127.0.0.1:1/0",
}


def load(then: str = "", **changes: str | None) -> subprocess.CompletedProcess[str]:
    values = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BURSAR_", "DJANGO_"))}
    return subprocess.run(
        [sys.executable, "-c", f"from portal.settings.production import *; {then}"],
        env=kept | values,
        capture_output=True,
        text=True,
        check=False,
    )


def test_starts_when_everything_is_set() -> None:
    done = load()
    assert done.returncode == 0, done.stderr


def test_cookies_go_over_https_to_this_host_alone_and_no_script_reads_them() -> None:
    names = [f"{cookie}_COOKIE_{what}" for cookie in ("SESSION", "CSRF") for what in ("SECURE", "HTTPONLY", "NAME")]
    said = load(then=f"print({', '.join(names)})").stdout.split()
    assert said == ["True", "True", "__Host-sessionid", "True", "True", "__Host-csrftoken"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BURSAR_SECRET_KEY", None),
        ("BURSAR_SECRET_KEY", "short"),
        ("BURSAR_CREDENTIAL_KEYS", None),
        ("BURSAR_AUDIT_KEYS", None),
        ("BURSAR_AUDIT_KEYS", "y" * 40 + ",short"),
        ("BURSAR_AUDIT_DAYS", "0"),
        ("BURSAR_ALLOWED_HOSTS", None),
        ("BURSAR_ALLOWED_HOSTS", "*"),
        ("BURSAR_DEBUG", "1"),
        ("BURSAR_TEST_POINT", "sent:kill"),
        ("BURSAR_DATABASE_URL", None),
        ("BURSAR_REDIS_URL", None),
    ],
)
def test_refuses_to_start(variable: str, value: str | None) -> None:
    done = load(**{variable: value})
    assert done.returncode != 0
    assert variable in done.stderr


@pytest.mark.parametrize(
    "values",
    [
        {"BURSAR_OIDC_ISSUER": "https://id.example.org"},
        {"BURSAR_OIDC_CLIENT_ID": "bursar"},
        {"BURSAR_OIDC_ISSUER": "http://id.example.org", "BURSAR_OIDC_CLIENT_ID": "bursar"},
        {"BURSAR_LOCAL_PASSWORDS": "off"},
        {"BURSAR_REQUIRE_SECOND_FACTOR": "yes"},
    ],
)
def test_refuses_a_way_to_sign_in_that_makes_no_sense(values: dict[str, str]) -> None:
    with pytest.raises(ImproperlyConfigured, match=next(iter(values))):
        sign_in(values)


def test_an_identity_provider_is_known_by_its_issuer() -> None:
    values = {"BURSAR_OIDC_ISSUER": "https://id.Example.org/realms/lab/", "BURSAR_OIDC_CLIENT_ID": "bursar"}
    found = sign_in(values | {"BURSAR_OIDC_EMAIL_DOMAINS": "example.org, Partner.example"})
    assert found["IDENTITY_PROVIDER"].key == "id-example-org-realms-lab"
    assert found["IDENTITY_PROVIDER"].email_domains == ("example.org", "partner.example")
    assert not found["IDENTITY_PROVIDER"].admits_unknown


def test_the_table_in_the_docs_lists_every_variable() -> None:
    root = Path(__file__).resolve().parents[2]
    read = {
        name
        for path in (root / "portal" / "settings").glob("*.py")
        for name in re.findall(r"BURSAR_[A-Z_]+", path.read_text())
        if not name.startswith("BURSAR_TEST_")
    }
    assert read == set(re.findall(r"`(BURSAR_[A-Z_]+)`", (root / "docs" / "operations.md").read_text()))


def test_requests_are_no_transactions() -> None:
    """SQLite would take its write lock for every page that is looked at."""
    said = load(then="print(DATABASES['default'].get('ATOMIC_REQUESTS', False))").stdout.split()
    assert said == ["False"]
    assert not any(database.get("ATOMIC_REQUESTS") for database in settings.DATABASES.values())
