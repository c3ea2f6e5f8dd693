"""Reading a kubeconfig that a person gives. It is hostile input: refused unless all of it is known and harmless."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import yaml
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from portal.addresses import is_forbidden, is_metadata_name, resolve

from .credentials import Credentials
from .guarded_yaml import Guarded, GuardedYamlError, load

MAX_BYTES = 64 * 1024

FLATTEN = "It names a file on your computer. `kubectl config view --raw --flatten --minify` puts the content inline."
SERVICE_ACCOUNT = "Use the token of a service account instead (`kubectl create token`)."
REMEDIES = {
    "certificate-authority": FLATTEN,
    "client-certificate": FLATTEN,
    "client-key": FLATTEN,
    "tokenFile": FLATTEN,
    "exec": f"It starts a program on this server. {SERVICE_ACCOUNT}",
    "auth-provider": f"It starts a program on this server. {SERVICE_ACCOUNT}",
    "username": f"Kubernetes knows no passwords any more. {SERVICE_ACCOUNT}",
    "password": f"Kubernetes knows no passwords any more. {SERVICE_ACCOUNT}",
    "proxy-url": "Proxies are not supported. Give an address that this server reaches directly.",
    "insecure-skip-tls-verify": "Put the certificate of the cluster's authority in certificate-authority-data instead.",
}
AUTHORITY_MISSING = (
    "It is missing, and no other authority is trusted in its place. Put the certificate (PEM, base64-encoded) of the "
    "one that signed the server's there; `kubectl config view --raw --flatten --minify` does so where it is known."
)
CLUSTER_FIELDS = {"server", "certificate-authority-data", "tls-server-name", "disable-compression", "extensions"}
USER_FIELDS = {"token", "client-certificate-data", "client-key-data", "extensions"}
# How "nothing" is spelled; everything is read as text, so that no spelling of YAML means anything else.
ABSENT = ("", "~", "null", "false")


class KubeconfigError(ValueError):
    """The kubeconfig is refused. `field` names the place in it, `message` says what is wrong and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def parse_kubeconfig(text: str, *, allow_local: bool) -> Credentials:
    """The credentials of the current context. `allow_local` admits addresses of this host. Raises KubeconfigError."""
    config = _load(text)
    name = _text(config, "current-context", "kubeconfig")
    if not name:
        raise KubeconfigError("current-context", "It is missing. `kubectl config use-context` sets it.")
    context = _entry(config, "contexts", "context", name)
    cluster_name = _text(context, "cluster", "context")
    user_name = _text(context, "user", "context")
    cluster = _entry(config, "clusters", "cluster", cluster_name)
    user = _entry(config, "users", "user", user_name)
    _refuse_others(cluster, "cluster", CLUSTER_FIELDS)
    _refuse_others(user, "user", USER_FIELDS)
    certificate, key = _client_pair(user)
    credentials = Credentials(
        server=_server(_text(cluster, "server", "cluster"), allow_local=allow_local),
        ca_data=_authority(cluster),
        tls_server_name=_server_name(cluster),
        token=_token(user),
        client_certificate=certificate,
        client_key=key,
    )
    if not credentials.token and not credentials.client_certificate:
        raise KubeconfigError("user", f"It holds neither token nor client-certificate-data. {SERVICE_ACCOUNT}")
    return credentials


class _PlainLoader(Guarded, yaml.BaseLoader):
    """Every scalar stays text."""

    max_depth = 12


def _load(text: str) -> Mapping[str, Any]:
    # Characters first: encoding what is far too long would only cost memory.
    if len(text) > MAX_BYTES or len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise KubeconfigError(
            "kubeconfig", "It is larger than 64 KiB. `kubectl config view --raw --flatten --minify` leaves one context."
        )
    try:
        loaded = load(text, _PlainLoader)
    except GuardedYamlError as error:
        raise KubeconfigError("kubeconfig", str(error)) from None
    if not isinstance(loaded, Mapping):
        raise KubeconfigError(
            "kubeconfig", "It is not a kubeconfig: fields at the top are missing. Paste the whole file."
        )
    return loaded


def _entry(config: Mapping[str, Any], plural: str, singular: str, name: str) -> Mapping[str, Any]:
    """What stands under `singular` in the first entry of the list `plural` that has this name."""
    entries = config.get(plural)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and entry.get("name") == name and isinstance(entry.get(singular), Mapping):
            found: Mapping[str, Any] = entry[singular]
            return found
    raise KubeconfigError(plural, f"There is no {singular} called “{name[:80]}”, which is the one in use. Add it.")


def _text(fields: Mapping[str, Any], name: str, place: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise KubeconfigError(_path(place, name), "It must be one value, not a list or mapping.")
    return "" if value in ABSENT else value


def _refuse_others(fields: Mapping[str, Any], place: str, known: set[str]) -> None:
    for name, value in fields.items():
        if name not in known and value not in ABSENT:
            shown = str(name)[:80]
            raise KubeconfigError(_path(place, shown), REMEDIES.get(shown, "It is not supported. Remove it."))


def _path(place: str, name: str) -> str:
    return name if place == "kubeconfig" else f"{place}.{name}"


def _server(address: str, *, allow_local: bool) -> str:
    field = "cluster.server"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or 443
    except ValueError:
        raise KubeconfigError(field, "It is not an address. Write it like https://host:6443.") from None
    if parts.scheme != "https" or not host or not address.isascii() or not address.isprintable():
        raise KubeconfigError(field, "It must be an address like https://host:6443.")
    if parts.username is not None or parts.query or parts.fragment or len(address) > 300:
        raise KubeconfigError(field, "It may hold scheme, host, port and path only. Remove the rest.")
    if not allow_local:
        _refuse_local(field, host, port)
    return SplitResult("https", parts.netloc, parts.path.rstrip("/"), "", "").geturl()


def _refuse_local(field: str, host: str, port: int) -> None:
    message = "It leads to this server or to a metadata service. Give the address under which others reach the cluster."
    if is_metadata_name(host):
        raise KubeconfigError(field, message)
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        raise KubeconfigError(
            field, f"The name {host[:80]} is not known here. Check its spelling, or the DNS."
        ) from None
    if any(is_forbidden(found) for found in addresses):
        raise KubeconfigError(field, message)


def _server_name(cluster: Mapping[str, Any]) -> str:
    name = _text(cluster, "tls-server-name", "cluster")
    if name and not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", name):
        raise KubeconfigError("cluster.tls-server-name", "It is not a host name. Correct or remove it.")
    return name


def _token(user: Mapping[str, Any]) -> str:
    token = _text(user, "token", "user")
    if not re.fullmatch(r"[!-~]*", token):
        raise KubeconfigError("user.token", "It holds blanks or foreign characters. Paste it again, in one line.")
    return token


def _authority(cluster: Mapping[str, Any]) -> bytes:
    data = _decoded(cluster, "certificate-authority-data", "cluster")
    field = "cluster.certificate-authority-data"
    if not data:
        raise KubeconfigError(field, AUTHORITY_MISSING)
    try:
        x509.load_pem_x509_certificates(data)
    except ValueError:
        message = "It is not a certificate in PEM form, base64-encoded. Copy it again."
        raise KubeconfigError(field, message) from None
    return data


def _client_pair(user: Mapping[str, Any]) -> tuple[bytes, bytes]:
    certificate = _decoded(user, "client-certificate-data", "user")
    key = _decoded(user, "client-key-data", "user")
    if not certificate and not key:
        return b"", b""
    try:
        holder = x509.load_pem_x509_certificates(certificate)[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        message = "It is missing, or not a certificate in PEM form, base64-encoded. Copy it again."
        raise KubeconfigError("user.client-certificate-data", message) from None
    try:
        own = load_pem_private_key(key, password=None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        message = "It is missing, locked by a password, or not a key in PEM form, base64-encoded. Copy it again."
        raise KubeconfigError("user.client-key-data", message) from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if holder.public_bytes(*form) != own.public_bytes(*form):
        raise KubeconfigError("user.client-key-data", "It does not belong to client-certificate-data. Copy both again.")
    return certificate, key


def _decoded(fields: Mapping[str, Any], name: str, place: str) -> bytes:
    try:
        return base64.b64decode("".join(_text(fields, name, place).split()), validate=True)
    except (binascii.Error, ValueError):
        raise KubeconfigError(_path(place, name), "It is not base64. Copy it again.") from None
