"""What every installation shares; the files beside it say what differs."""

import os
from ipaddress import ip_network
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from .api import API
from .sign_in import sign_in

env = environ.Env()

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(env.str("BURSAR_DATA", default=str(ROOT / ".demo"))).resolve()

SECRET_KEY = env.str("BURSAR_SECRET_KEY", default="")
CREDENTIAL_KEYS = env.list("BURSAR_CREDENTIAL_KEYS", default=[])
SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where Kubernetes puts the service account of a pod, for the cluster that Bursar itself runs in."""
AUDIT_KEYS = env.list("BURSAR_AUDIT_KEYS", default=[])
AUDIT_DAYS = env.int("BURSAR_AUDIT_DAYS", default=400)
HISTORY_DAYS = env.int("BURSAR_HISTORY_DAYS", default=180)
if HISTORY_DAYS < 1:
    raise ImproperlyConfigured("BURSAR_HISTORY_DAYS is below 1. Set how many days ended workloads are kept.")
DEBUG = False
ALLOWED_HOSTS = env.list("BURSAR_ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("BURSAR_TRUSTED_ORIGINS", default=[])
ALLOW_LOCAL_CLUSTERS = env.bool("BURSAR_ALLOW_LOCAL_CLUSTERS", default=False)
# Networks that webhooks may go to beside the public one, by plain http too.
WEBHOOK_NETWORKS = env.list("BURSAR_WEBHOOK_NETWORKS", default=[])
try:
    _ = [ip_network(network) for network in WEBHOOK_NETWORKS]
except ValueError as error:
    raise ImproperlyConfigured(f"BURSAR_WEBHOOK_NETWORKS: {error}. Write networks like 10.0.0.0/8.") from None

INSTALLED_APPS = [
    "portal",
    "orgs",
    "quotas",
    "scheduling",
    "portal.admin_app.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "django_htmx",
    "django_structlog",
    "csp",
    "lucide",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "portal.middleware.SignInRequired",
    "portal.middleware.RefusalsTold",
    "orgs.middleware.SessionSeen",
    "orgs.middleware.FirstThings",
]

ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "portal.templatetags.ui",
                "portal.templatetags.ui_forms",
                "portal.templatetags.ui_tables",
                "lucide.templatetags.lucide",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "portal.context.shell",
            ],
        },
    }
]

STATIC_URL = "static/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [ROOT / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "portal.staticfiles.PlotlyFinder",
]

vars().update(sign_in(os.environ))
vars().update(API)

# What portal asks of the apps above it, by dotted path (import-linter keeps portal free of their imports).
ACCESS_MAY = "orgs.access.may"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# Everything comes from our own files, but for two style elements that Plotly makes, known by their hashes.
PLOTLY_STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='",
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "style-src-elem": ["'self'", *PLOTLY_STYLES],
        "img-src": ["'self'", "data:", "blob:"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CONSUMER = "portal.consumer:Consumer"
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "remove deleted units": {"task": "orgs.units_remove", "schedule": 10.0},
    "refresh findings": {"task": "quotas.findings_refresh", "schedule": 10.0},
    "refresh all findings": {"task": "quotas.findings_refresh", "schedule": 900.0, "kwargs": {"thorough": True}},
    "roll up hours of use": {"task": "scheduling.roll_up", "schedule": 600.0},
    "purge old rows": {"task": "scheduling.purge", "schedule": 600.0},
    "purge ended sessions": {"task": "orgs.sessions_purge", "schedule": 3600.0},
    "purge deliveries to webhooks": {"task": "orgs.deliveries_purge", "schedule": 600.0},
    "purge the change feed": {"task": "portal.feed_purge", "schedule": 600.0},
    "purge kept answers": {"task": "portal.kept_answers_purge", "schedule": 3600.0},
    "purge old audit events": {"task": "portal.audit_purge", "schedule": 3600.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA / "celerybeat-schedule")
# Redis address for wake-ups between processes; none in embedded mode, where loops look again at a short interval.
WAKE_URL = ""

# Seconds. A taker-over waits lease + call timeout, so a crashed worker's loops run elsewhere in under 15 s.
LEASE_SECONDS = 6
CALL_TIMEOUT_SECONDS = 4
LOOP_INTERVAL_SECONDS = 0.3

# How many seconds pass in simulated clusters in one of ours: run times, starting, stopping. All else keeps our time.
SIMULATED_SPEED = env.float("BURSAR_SIMULATED_SPEED", default=1.0)
if not 0.1 <= SIMULATED_SPEED <= 1000:
    raise ImproperlyConfigured("BURSAR_SIMULATED_SPEED is how many times as fast simulated time runs: 0.1 to 1000.")

# A worker that was frozen inside a transaction must not hold its lease's row for longer than the lease lasts.
POSTGRES_OPTIONS = f"-c jit=off -c idle_in_transaction_session_timeout={LEASE_SECONDS * 1000}"

# Cycles that are kept with all they looked at: those that somebody asked for, and of each pool the last ones that went
# wrong or took longer than so many seconds.
SLOW_CYCLE_SECONDS = env.float("BURSAR_SLOW_CYCLE_SECONDS", default=5.0)
SAVED_CYCLES = env.int("BURSAR_SAVED_CYCLES", default=10)
SAVED_CYCLE_MIB = env.int("BURSAR_SAVED_CYCLE_MIB", default=16)
SAVED_CYCLE_DAYS = env.int("BURSAR_SAVED_CYCLE_DAYS", default=14)
# Where a test lets this process die or stand still: portal.points.
POINT = env.str("BURSAR_TEST_POINT", default="")
POINTS_ARE_ALLOWED = False

LOG_LEVEL = env.str("BURSAR_LOG_LEVEL", default="INFO")
LOG_FORMAT = env.str("BURSAR_LOG_FORMAT", default="json")
LOGGING_CONFIG = "portal.logging.configure"
LOGGING = {"version": 1}
# The id of the request that started a task is in the task's lines too.
DJANGO_STRUCTLOG_CELERY_ENABLED = True
