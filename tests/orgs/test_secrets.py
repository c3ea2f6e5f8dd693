from __future__ import annotations

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from orgs.models import ClusterInfo, Webhook
from orgs.secrets import decrypt, encrypt
from portal.models import AuditEvent
from tests.factories import code_of, make_cluster, make_second_factor, make_user, make_webhook


def test_there_and_back() -> None:
    hidden = encrypt("token: s3cret")
    assert "s3cret" not in hidden
    assert decrypt(hidden) == "token: s3cret"


def test_a_new_key_in_front_opens_what_the_old_one_closed(settings: Settings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [old]
    hidden = encrypt("token")
    settings.CREDENTIAL_KEYS = [new, old]
    assert decrypt(hidden) == "token"
    settings.CREDENTIAL_KEYS = [new]
    with pytest.raises(ValueError, match="Put the old key back"):
        decrypt(hidden)


@pytest.mark.django_db
def test_what_is_kept_is_encrypted_anew_and_the_old_key_may_go(settings: Settings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [old]
    cluster = make_cluster(mode=ClusterInfo.Mode.KUBERNETES)
    ClusterInfo.objects.update(credentials=encrypt("token"))
    factor = make_second_factor(make_user())
    code = code_of(factor)
    secret = decrypt(make_webhook(cluster).secret)
    settings.CREDENTIAL_KEYS = [new]
    with pytest.raises(CommandError, match=r"Nothing was changed.*Put the old key back"):
        call_command("credentials_renew")
    settings.CREDENTIAL_KEYS = [new, old]
    told = StringIO()
    call_command("credentials_renew", stdout=told)
    assert "1 cluster, 2 second factors and 1 webhook" in told.getvalue()
    settings.CREDENTIAL_KEYS = [new]
    assert decrypt(ClusterInfo.objects.get(unit=cluster).credentials) == "token"
    factor.refresh_from_db()
    assert code_of(factor) == code
    assert AuditEvent.objects.filter(action="renew encryption").count() == 4
    assert decrypt(Webhook.objects.get().secret) == secret
