"""No secret is in the audit log: a canary goes through every field that takes one, and is then looked for.

Fields are found by themselves, by their kind and name; one that has no canary here fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from allauth.mfa.models import Authenticator
from django import forms
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from orgs.models import ClusterInfo, Delivery, User, Webhook
from orgs.secrets import encrypt
from orgs.services.cluster import cluster_create
from orgs.services.delivery import deliveries_claim
from orgs.services.user import user_create
from orgs.webhooks.deliverer import deliver
from portal.models import AuditEvent, KeptAnswer
from scheduling.services.workload import workload_resume, workload_submit
from scheduling.services.workload_yaml import workload_submit_yaml
from tests.bad_input import FormCase
from tests.documents import container, job
from tests.factories import PASSWORD, actor_of, code_of, make_role, make_rule, make_user, signed_in
from tests.kubeconfigs import KUBECONFIG
from tests.test_bad_input import FORMS
from tests.world import World, make_world

pytestmark = pytest.mark.django_db

CANARY = "Canary7f3Kq9"
APPS = ("orgs.", "quotas.", "scheduling.")
SECRET = re.compile(r"password|secret|token|credential|kubeconfig|manifest|^env|^command|private|passphrase|(^|_)code$")
CANARIES = {
    "kubeconfig": KUBECONFIG.replace("s3cret-token", CANARY),
    "env": f"API={CANARY}",
    "manifest": yaml.safe_dump(job("train-2", containers=[container(env=[{"name": "API", "value": CANARY}])])),
    "command": f"python train.py --token {CANARY}",
}
"""By the name of the field."""
ONLY_FINDS = {"device"}
"""Its code stands on a screen and in the address of the page after it, which lets in: alone it opens nothing."""


def in_the_log() -> str:
    return json.dumps(list(AuditEvent.objects.values()), default=str)


def secret_fields(form: forms.BaseForm) -> set[str]:
    """Fields that take something to be kept from others."""
    return {
        name
        for name, field in form.fields.items()
        if isinstance(field.widget, forms.PasswordInput) or SECRET.search(name)
    }


@pytest.mark.parametrize(
    "case",
    [case for case in FORMS if case.url_name not in ONLY_FINDS],
    ids=lambda case: f"{case.url_name}-{case.role}",
)
def test_forms(case: FormCase) -> None:
    world = make_world()
    client, url = signed_in(world.people[case.role]), reverse(case.url_name, kwargs=case.arguments(world))
    form = client.get(url).context["form"]
    data = case.data(world)
    for name in secret_fields(form):
        assert name in CANARIES, f"{case.url_name}.{name} takes a secret: give it a canary"
        data[name] = CANARIES[name]
    before = AuditEvent.objects.count()
    assert client.post(url, data).status_code in (200, 204, 302)
    assert AuditEvent.objects.count() > before, "the act itself is told"
    assert CANARY not in in_the_log()


def test_refused_forms_keep_none_either() -> None:
    world = make_world()
    client = signed_in(world.people["admin"])
    data = {"name": "Not a Name!", "kubeconfig": CANARIES["kubeconfig"]}
    assert client.post(reverse("cluster_connect"), data).status_code == 422
    assert signed_in(world.people["researcher"]).post(reverse("cluster_connect"), data).status_code == 403
    assert AuditEvent.objects.filter(action="refuse").exists()
    assert CANARY not in in_the_log()


def everything(world: World) -> dict[str, Callable[[], Any]]:
    """Services that are handed a secret."""
    admin = actor_of(world.people["admin"])
    connect = {"mode": ClusterInfo.Mode.KUBERNETES, "kubeconfig": CANARIES["kubeconfig"]}
    submit = {"kind": 2, "image": "python:3.12", "cpu_millicores": 1000, "memory_bytes": 1024**3, "pools": ["a100"]}

    def submitted(name: str) -> Any:
        secrets = {"env": {"KEY": CANARY, CANARY: "name"}, "command": ["run", CANARY]}
        return workload_submit(actor=admin, project=world.project, name=name, **submit, **secrets)

    def resumed() -> None:
        workload = submitted("again")
        workload.state, workload.is_active, workload.ended_at = workload.State.STOPPED, False, workload.created_at
        workload.save()
        workload_resume(actor=admin, workload=workload)

    def submitted_as_yaml() -> None:
        variable = {"name": "KEY", "value": CANARY}
        document = job("train-7", containers=[container(env=[variable], command=["run", CANARY])])
        workload_submit_yaml(actor=admin, project=world.project, manifest=document)

    return {
        "cluster": lambda: cluster_create(actor=admin, name="south", **connect),  # type: ignore[arg-type]
        "user": lambda: user_create(actor=admin, email="mira@example.org", name="Mira", password=f"{CANARY} long"),
        "submit": lambda: submitted("train-9"),
        "resume": resumed,
        "yaml": submitted_as_yaml,
    }


@pytest.mark.parametrize("name", ["cluster", "user", "submit", "resume", "yaml"])
def test_services(name: str) -> None:
    everything(make_world())[name]()
    assert AuditEvent.objects.exists()
    assert CANARY not in in_the_log()


def test_signing_in_and_passwords() -> None:
    """Right, wrong, typed into the wrong field, changed, forgotten and asked for again."""
    cache.clear()
    mira = make_user("mira@example.org")
    client = Client()
    client.post("/accounts/login/", {"login": "mira@example.org", "password": CANARY})
    client.post("/accounts/login/", {"login": f"{CANARY}@example.org", "password": PASSWORD})
    client.post("/accounts/login/", {"login": "mira@example.org", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": CANARY})
    data = {"oldpassword": PASSWORD, "password1": f"{CANARY} indeed", "password2": f"{CANARY} indeed"}
    client.post("/accounts/password/change/", data)
    assert User.objects.get(pk=mira.pk).check_password(f"{CANARY} indeed")
    client.post("/accounts/logout/")
    client.post("/accounts/password/reset/", {"email": "mira@example.org"})
    link = re.search(r"/accounts/password/reset/key/\S+", mail.outbox[-1].body)
    assert link is not None
    form = client.get(link[0], follow=True)
    data = {"password1": f"{CANARY} again", "password2": f"{CANARY} again"}
    client.post(form.redirect_chain[-1][0], data)
    assert User.objects.get(pk=mira.pk).check_password(f"{CANARY} again")
    log = in_the_log()
    assert AuditEvent.objects.filter(action="change password").count() == 2
    assert CANARY not in log
    assert link[0].rsplit("-", 1)[1].rstrip("/") not in log
    assert not any(part in log for user in User.objects.all() for part in (user.password, user.password.split("$")[-1]))


def test_access_keys(caplog: pytest.LogCaptureFixture) -> None:
    """Made, used, rotated, refused, revoked, by page and by the API: neither the audit log nor another log nor any
    answer but the first has one."""
    world = make_world()
    cache.clear()
    client = signed_in(world.people["admin"])
    page = client.post("/profile/keys/new/", {"name": "a", "rights": "everything"}).content.decode()
    made = client.post("/api/v1/access-keys/", {"name": "b"}, content_type="application/json").json()
    tokens = [*re.findall(r"bursar_[0-9a-f]{64}", page), made["key"]]
    url = f"/api/v1/access-keys/{made['id']}/"
    tokens.append(client.post(f"{url}rotate/", {}, content_type="application/json").json()["key"])
    assert len(set(tokens)) == 3
    answers = []
    for token in tokens:
        header = {"Authorization": f"Bearer {token}"}
        answers += [Client(headers=header).get(path) for path in ("/api/v1/access-keys/", url, "/profile/")]
        answers.append(Client(headers={"Authorization": f"Bearer {token[:-1]}"}).get(url))
        answers.append(Client(headers=header).post("/api/v1/access-keys/", {"name": token}))
    answers += [client.get("/profile/"), client.delete(url)]
    told = in_the_log() + caplog.text + json.dumps(list(KeptAnswer.objects.values()), default=str)
    told += "".join(answer.content.decode() for answer in answers)
    assert not any(token in told for token in tokens)
    assert AuditEvent.objects.filter(entity="accesskey").count() == 4


def test_webhooks(caplog: pytest.LogCaptureFixture) -> None:
    """Made, changed, tried, sent to, rotated, by page and by the API: secrets stand in the first answer alone, and the
    whole address where it may be changed."""
    world = make_world()
    cache.clear()
    client, reader = signed_in(world.people["admin"]), signed_in(make_user("r@example.org", scope=world.department))
    make_rule(
        User.objects.get(email="r@example.org"),
        make_role("Looks", "webhook:read", "project:read").name,
        world.department,
    )
    data = {
        "name": "a",
        "scope": world.department.pk,
        "address": f"http://127.0.0.1:9/{CANARY}",
        "kinds": ["workload.failed"],
    }
    secrets = re.findall(r"whsec_[A-Za-z0-9+/=]{44}", client.post("/access/webhooks/new/", data).content.decode())
    made = client.post(
        "/api/v1/webhooks/", data | {"name": "b"}, content_type="application/json", headers={"Idempotency-Key": "1"}
    )
    secrets.append(made.json()["secret"])
    url = f"/api/v1/webhooks/{made.json()['id']}/"
    again = client.post(
        "/api/v1/webhooks/", data | {"name": "b"}, content_type="application/json", headers={"Idempotency-Key": "1"}
    )
    assert again["Idempotency-Replayed"] == "true"
    secrets.append(client.post(f"{url}rotate/", {}, content_type="application/json").json()["secret"])
    assert len(set(secrets)) == 3
    client.post(f"{url}test/", {}, content_type="application/json")
    for claimed in deliveries_claim(most=10):
        deliver(claimed)
    page = f"/access/webhooks/{made.json()['id']}/deliveries/"
    delivery = Delivery.objects.get(webhook=made.json()["id"])
    urls = [
        url,
        "/api/v1/webhooks/",
        "/api/v1/webhook-deliveries/",
        page,
        f"{page}?delivery={delivery.pk}",
        "/access/webhooks/",
    ]
    answers = [again, *(client.get(one) for one in urls)]
    told = in_the_log() + caplog.text + "".join(answer.content.decode() for answer in answers)
    told += json.dumps(list(KeptAnswer.objects.values()), default=str)
    assert not any(secret in told for secret in secrets)
    seen = [reader.get(one) for one in urls]
    assert {answer.status_code for answer in seen} == {200}
    assert CANARY not in in_the_log() + caplog.text + "".join(answer.content.decode() for answer in seen)
    assert AuditEvent.objects.filter(entity="webhook").count() == 4
    assert not any(secret in json.dumps(list(Webhook.objects.values()), default=str) for secret in secrets)


def recovery_codes() -> list[str]:
    codes: list[str] = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES).wrap().get_unused_codes()
    return codes


def test_codes_of_the_second_factor() -> None:
    """Right and wrong: when it is set up, when signing in, when confirming."""
    cache.clear()
    make_user("mira@example.org")
    client = Client()
    client.post("/accounts/login/", {"login": "mira@example.org", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.get("/accounts/second-factor/on/")
    key = client.session["mfa.totp.secret"]
    app = Authenticator(data={"secret": encrypt(key)})
    first, second = code_of(app), code_of(app, 1)
    for code in (CANARY, first):
        client.post("/accounts/second-factor/on/", {"code": code})
    client.post("/accounts/second-factor/confirm/", {"code": CANARY})
    client.post("/accounts/logout/")
    client.post("/accounts/login/", {"login": "mira@example.org", "password": PASSWORD})
    for code in (CANARY, second):
        client.post("/accounts/second-factor/code/", {"code": code})
    assert client.get("/profile/").status_code == 200
    codes = recovery_codes()
    client.post("/accounts/logout/")
    client.post("/accounts/login/", {"login": "mira@example.org", "password": PASSWORD})
    client.post("/accounts/second-factor/code/", {"code": codes[0]})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/second-factor/codes/new/")
    assert AuditEvent.objects.filter(after={"recovery_codes": "new ones"}).exists()
    codes += recovery_codes()
    log = in_the_log()
    assert len(set(codes)) == len(codes) >= 20
    assert AuditEvent.objects.filter(action="sign in failed").exists()
    assert not any(secret in log for secret in (CANARY, key, first, second, *codes))


def test_every_form_that_takes_a_secret_is_tried() -> None:
    """Also those that no page of ours lists: all classes of forms."""

    def below(parent: type) -> set[type]:
        return {sub for one in parent.__subclasses__() for sub in (one, *below(one))}

    ours = {one for one in below(forms.BaseForm) if one.__module__.startswith(APPS)}
    taken = {
        f"{one.__module__}.{one.__name__}"
        for one in ours
        if any(
            isinstance(field.widget, forms.PasswordInput) or SECRET.search(name)
            for name, field in getattr(one, "base_fields", {}).items()
        )
    }
    tried = {f"orgs.forms.cluster.{name}Form" for name in ("Connect", "Reconnect")}
    tried |= {"scheduling.forms.SubmitForm", "scheduling.forms.YamlForm", "orgs.forms.device.CodeForm"}
    tried |= {f"orgs.forms.password.{name}Form" for name in ("ChangePassword", "SetPassword")}
    tried |= {f"orgs.forms.second_factor.{name}Form" for name in ("Code", "Confirm", "SetUp")}
    # Those that allauth makes of ours are loaded when they are first asked for.
    assert taken - tried == set(), "try the new one above"
