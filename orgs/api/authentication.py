"""Who a request to the API comes from: the owner of an access key, or somebody signed in with a browser."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from secrets import compare_digest

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.settings import CONSTANTS
from rest_framework.authentication import SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from orgs.access import Limits, limit
from orgs.middleware import first_thing
from orgs.models import AccessKey, UnitKind, User
from orgs.services.access_key import key_used


class KeyAuthentication(TokenAuthentication):
    """`Authorization: Bearer <key>`; of an application also client id and key as user and password (`Basic`).

    What may be done is what the key leaves of its owner's rights. No answer and no log holds any of a key.
    """

    def authenticate(self, request: Request) -> tuple[User, AccessKey] | None:
        header = get_authorization_header(request).split()
        if not header or header[0].lower() not in (b"bearer", b"basic"):
            return None
        if len(header) != 2:
            raise AuthenticationFailed("The key is missing or has blanks in it. Send “Authorization: Bearer <key>”.")
        client_id, token = _client(header[1]) if header[0].lower() == b"basic" else ("", _text(header[1]))
        key = self.key_of(token)
        if client_id and client_id != key.user.email:
            raise AuthenticationFailed("This key is not one of that client id. Send the two that belong together.")
        limit(key.user, limits_by(key))
        key_used(key=key, address=request.META.get("REMOTE_ADDR") or "")
        return key.user, key

    def key_of(self, token: str) -> AccessKey:
        """The key that works, and whose owner may come in."""
        digest = hash_token(token)
        keys: QuerySet[AccessKey] = AccessKey.objects.filter(
            token_key=token[: CONSTANTS.TOKEN_KEY_LENGTH]
        ).select_related("user", "scope", "use")
        key = next((key for key in keys if compare_digest(key.digest, digest)), None)
        if key is None:
            raise AuthenticationFailed("There is no such key, or it was revoked. Make one under Profile, Access keys.")
        if key.ended:
            raise AuthenticationFailed("This key has ended. Make a new one.")
        if not key.user.is_active:
            raise AuthenticationFailed("The owner of this key may not come in. Ask your administrators.")
        return key


class BrowserAuthentication(SessionAuthentication):
    """The session of somebody signed in, with Django's protection against forged requests."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        found: tuple[User, None] | None = super().authenticate(request)
        if found is not None and first_thing(_plain(request)):
            raise PermissionDenied("There is something to do first. Open Bursar in the browser; it leads you there.")
        return found


def limits_by(key: AccessKey) -> Limits:
    permissions = None if key.permissions is None else frozenset(key.permissions)
    if key.scope is None:
        return Limits(permissions, "", False)
    return Limits(permissions, key.scope.path, key.scope.kind == UnitKind.PROJECT)


def _client(encoded: bytes) -> tuple[str, str]:
    try:
        client_id, colon, token = b64decode(encoded, validate=True).decode().partition(":")
    except (NotBase64, UnicodeDecodeError):
        colon = ""
    if not colon or not client_id:
        raise AuthenticationFailed("Client id and key cannot be read. Send both, with a colon between, in base64.")
    return client_id, token


def _text(part: bytes) -> str:
    return part.decode(errors="replace")


def _plain(request: Request) -> HttpRequest:
    plain: HttpRequest = request._request
    return plain


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema calls an access key."""

    target_class = KeyAuthentication
    name = "access key"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class BrowserScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema calls a browser's session."""

    target_class = BrowserAuthentication
    name = "browser"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
