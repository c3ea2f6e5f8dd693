"""One machine, nothing to install: SQLite, a folder as broker, keys kept in the data folder."""

from portal.demo_keys import demo_keys

from .base import *  # noqa: F403
from .base import CELERY_BEAT_SCHEDULE, DATA, SIMULATED_SPEED, STATIC_ROOT, env
from .sqlite import sqlite_database

DATA.mkdir(mode=0o700, parents=True, exist_ok=True)

SECRET_KEY, CREDENTIAL_KEYS, AUDIT_KEYS = demo_keys(DATA)
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *env.list("BURSAR_ALLOWED_HOSTS", default=[])]
ALLOW_LOCAL_CLUSTERS = env.bool("BURSAR_ALLOW_LOCAL_CLUSTERS", default=True)
WEBHOOK_NETWORKS = env.list("BURSAR_WEBHOOK_NETWORKS", default=["127.0.0.0/8"])

DATABASES = {"default": sqlite_database(DATA / "bursar.sqlite3")}
CELERY_BROKER_URL = "folder://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS = {"folder": str(DATA / "broker")}

# It submits all day long, for nobody who would ask about last week.
HISTORY_DAYS = AUDIT_DAYS = 2

LOG_FORMAT = env.str("BURSAR_LOG_FORMAT", default="console")

CELERY_IMPORTS = ["scheduling.demo.tasks"]
CELERY_BEAT_SCHEDULE = CELERY_BEAT_SCHEDULE | {
    "demo stream": {"task": "demo.stream", "schedule": 12.0 / SIMULATED_SPEED}
}
# Static files straight from the source folders, as they are now: nothing to collect.
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
