"""PostgreSQL and Redis, everything from the environment. Refuses to start half configured."""

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403
from .base import ALLOWED_HOSTS, AUDIT_DAYS, AUDIT_KEYS, CREDENTIAL_KEYS, POINT, POSTGRES_OPTIONS, SECRET_KEY, env
from .postgres import postgres_database

DEBUG = env.bool("BURSAR_DEBUG", default=False)
if DEBUG:
    raise ImproperlyConfigured("BURSAR_DEBUG is on. Debug pages show secrets: unset it.")
if POINT:
    raise ImproperlyConfigured("BURSAR_TEST_POINT is set. It lets processes kill themselves: unset it.")
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("BURSAR_SECRET_KEY is missing or shorter than 32 characters. Set a long random value.")
if not CREDENTIAL_KEYS:
    raise ImproperlyConfigured(
        "BURSAR_CREDENTIAL_KEYS is missing. Set one Fernet key; add new ones in front to rotate."
    )
if not AUDIT_KEYS or min(map(len, AUDIT_KEYS)) < 32:
    raise ImproperlyConfigured(
        "BURSAR_AUDIT_KEYS is missing, or one is shorter than 32 characters. Set one long random key; add new ones in "
        "front to rotate, and keep the old ones."
    )
if AUDIT_DAYS < 1:
    raise ImproperlyConfigured("BURSAR_AUDIT_DAYS is below 1. Set how many days audit events are kept.")
if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("BURSAR_ALLOWED_HOSTS is missing or allows any. List the host names people type.")

DATABASES = {"default": postgres_database(env, POSTGRES_OPTIONS)}
CELERY_BROKER_URL = env.str("BURSAR_REDIS_URL")
WAKE_URL = CELERY_BROKER_URL
CACHES = {"default": {"BACKEND": "portal.cache.SharedCache", "LOCATION": CELERY_BROKER_URL}}

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.staticfiles.HashedFiles"},
}
SECURE_SSL_REDIRECT = env.bool("BURSAR_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
# With this prefix browsers take them over https from this very host alone: no neighbour's page can set them.
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
CSRF_COOKIE_HTTPONLY = True
