"""A kubeconfig is hostile input: what is refused, where, and that nothing harmless is."""

import base64
import contextlib
import socket
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scheduling.clusters.kubernetes.credentials import Credentials
from scheduling.clusters.kubernetes.kubeconfig import KubeconfigError, parse_kubeconfig
from tests.cluster.certificates import Authority

AUTHORITY = Authority("test")
PAIR = AUTHORITY.client("admin", "system:masters")
OTHER = AUTHORITY.client("other")
# An address for documentation: nobody's, and no name to resolve.
SERVER = "https://192.0.2.10:6443"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def config(*, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **top: Any) -> str:
    """A good kubeconfig, but for what is given."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "spare", "cluster": {"server": "https://192.0.2.99"}},
                {
                    "name": "main",
                    "cluster": {
                        "server": SERVER,
                        "certificate-authority-data": encoded(AUTHORITY.certificate),
                        **(cluster or {}),
                    },
                },
            ],
            "users": [{"name": "admin", "user": {"token": "t0ken"} if user is None else user}],
            "contexts": [{"name": "here", "context": {"cluster": "main", "user": "admin", "namespace": "default"}}],
            "current-context": "here",
            "preferences": {},
            **top,
        }
    )


def refused(text: str, *, allow_local: bool = False) -> KubeconfigError:
    with pytest.raises(KubeconfigError) as caught:
        parse_kubeconfig(text, allow_local=allow_local)
    assert caught.value.message.endswith(".")
    return caught.value


def test_token_is_read_from_the_current_context() -> None:
    credentials = parse_kubeconfig(config(), allow_local=False)
    assert credentials == Credentials(server=SERVER, ca_data=AUTHORITY.certificate, token="t0ken")


def test_client_certificate_is_read() -> None:
    user = {"client-certificate-data": encoded(PAIR.certificate), "client-key-data": encoded(PAIR.key)}
    credentials = parse_kubeconfig(config(user=user), allow_local=False)
    assert (credentials.client_certificate, credentials.client_key) == (PAIR.certificate, PAIR.key)


def test_secrets_survive_storage_and_stay_out_of_messages() -> None:
    credentials = Credentials(server=SERVER, token="t0ken", client_certificate=PAIR.certificate, client_key=PAIR.key)
    assert Credentials.load(credentials.dump()) == credentials
    assert "t0ken" not in repr(credentials)
    assert "KEY" not in repr(credentials)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("certificate-authority", "/etc/ca.crt"),
        ("proxy-url", "http://proxy:3128"),
        ("insecure-skip-tls-verify", True),
        ("something-new", "x"),
        ("server", "http://192.0.2.10"),
        ("server", "https://user:password@192.0.2.10"),
        ("server", "https://192.0.2.10/?a=b"),
        ("server", "https://192.0.2.10:99999"),
        ("server", "https://[::1"),
        ("server", "192.0.2.10:6443"),
        ("server", "https://192.0.2.10/\x00"),
        ("server", "https://192.0.2.10/" + "a" * 300),
        ("server", ["https://192.0.2.10"]),
        ("server", ""),
        ("server", "https://no-such-name.invalid"),
        ("certificate-authority-data", ""),
        ("certificate-authority-data", "not base64!"),
        ("certificate-authority-data", encoded(b"no certificate")),
        ("tls-server-name", "a b"),
    ],
)
def test_cluster_field_is_refused(field: str, value: object) -> None:
    assert refused(config(cluster={field: value})).field == f"cluster.{field}"


@pytest.mark.parametrize(
    ("user", "field"),
    [
        ({"exec": {"command": "sh", "args": ["-c", "id"]}}, "user.exec"),
        ({"auth-provider": {"name": "gcp"}}, "user.auth-provider"),
        ({"token": "t", "tokenFile": "/var/run/token"}, "user.tokenFile"),
        ({"token": "t", "client-certificate": "/etc/a.crt"}, "user.client-certificate"),
        ({"token": "t", "client-key": "/etc/a.key"}, "user.client-key"),
        ({"username": "admin", "password": "x"}, "user.password"),
        ({"token": "t", "as": "system:admin"}, "user.as"),
        ({"token": "two lines\nX-Header: 1"}, "user.token"),
        ({"token": ["t"]}, "user.token"),
        ({"token": ""}, "user"),
        ({}, "user"),
        ({"client-certificate-data": encoded(PAIR.certificate)}, "user.client-key-data"),
        ({"client-key-data": encoded(PAIR.key)}, "user.client-certificate-data"),
        (
            {"client-certificate-data": encoded(PAIR.certificate), "client-key-data": encoded(OTHER.key)},
            "user.client-key-data",
        ),
    ],
)
def test_user_field_is_refused(user: dict[str, Any], field: str) -> None:
    assert refused(config(user=user)).field == field


LOCAL = [
    "https://127.0.0.1:6443",
    "https://localhost:6443",
    "https://[::1]:6443",
    "https://[::ffff:127.0.0.1]:6443",
    "https://0.0.0.0:6443",
    "https://2130706433",
    "https://0x7f.1",
    "https://169.254.169.254",
    "https://169.254.170.2",
    "https://[fd00:ec2::254]",
    "https://[fe80::1]",
    "https://100.100.100.200",
    "https://metadata.google.internal",
    "https://METADATA.google.internal.",
]


@pytest.mark.parametrize("server", LOCAL)
def test_address_of_this_host_or_of_a_metadata_service_is_refused(server: str) -> None:
    error = refused(config(cluster={"server": server}))
    assert error.field == "cluster.server"
    assert "metadata service" in error.message


def test_own_address_of_this_host_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            own = "127.0.0.2"
        else:
            own = probe.getsockname()[0]
    assert refused(config(cluster={"server": f"https://{own}:6443"})).field == "cluster.server"


@pytest.mark.parametrize(
    "server", ["https://10.0.0.5:6443", "https://192.168.1.2", "https://[fd12::7]/k8s/clusters/c-1"]
)
def test_private_network_is_an_ordinary_place_for_a_cluster(server: str) -> None:
    assert parse_kubeconfig(config(cluster={"server": server}), allow_local=False).server == server


def test_setting_admits_local_addresses() -> None:
    credentials = parse_kubeconfig(config(cluster={"server": "https://127.0.0.1:6443/"}), allow_local=True)
    assert credentials.server == "https://127.0.0.1:6443"


@pytest.mark.parametrize(
    ("top", "field"),
    [
        ({"current-context": ""}, "current-context"),
        ({"current-context": "elsewhere"}, "contexts"),
        ({"current-context": ["here"]}, "current-context"),
        ({"contexts": "here"}, "contexts"),
        ({"clusters": []}, "clusters"),
        ({"clusters": [{"name": "main", "cluster": "x"}]}, "clusters"),
        ({"users": None}, "users"),
    ],
)
def test_incomplete_kubeconfig_is_refused(top: dict[str, Any], field: str) -> None:
    assert refused(config(**top)).field == field


def test_aliases_are_refused_before_they_grow() -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    assert "alias" in refused(f"a0: &a0 x\n{levels}").message


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused(opening: str) -> None:
    assert refused(opening * 5000).field == "kubeconfig"


def test_size_is_limited_in_bytes() -> None:
    assert "64 KiB" in refused("#" + "é" * 33_000).message


@pytest.mark.parametrize(
    "text", ["", "hello", "- a", "a: [", "!!python/object/apply:os.system [id]", "a: \x00", "\ud800"]
)
def test_what_is_no_kubeconfig_is_refused(text: str) -> None:
    assert refused(text).field == "kubeconfig"


def test_error_in_the_text_is_told_by_its_line_without_the_text() -> None:
    error = refused('a: 1\ntoken: "SECRET\n')
    assert "line" in error.message
    assert "SECRET" not in str(error)


@given(st.recursive(st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)))
def test_any_value_anywhere_is_either_read_or_refused(value: Any) -> None:
    for text in (
        config(cluster={"server": value}),
        config(user={"token": value}),
        config(user=value),
        config(contexts=value),
        config(**{"current-context": value}),
        yaml.safe_dump(value),
    ):
        with contextlib.suppress(KubeconfigError):
            assert parse_kubeconfig(text, allow_local=True).server.startswith("https://")
