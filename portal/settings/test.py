"""What the tests run on: real PostgreSQL and Redis, or SQLite and the folder broker with BURSAR_TEST_EMBEDDED=1."""

import tempfile
import zlib
from pathlib import Path

from .base import *  # noqa: F403
from .base import POSTGRES_OPTIONS, env
from .sqlite import sqlite_database

# Of this folder alone: the tests of another clone may run beside these.
_VAR = Path(tempfile.gettempdir()) / f"bursar-test-{zlib.crc32(str(Path(__file__).resolve()).encode()):08x}"
_VAR.mkdir(mode=0o700, parents=True, exist_ok=True)

SECRET_KEY = "test-only-" + "0" * 40
CREDENTIAL_KEYS = ["5Q3zRS8_CUfgCC2cCKZTbyqpaKp4hf9N7TRPFZ1wSZE="]
AUDIT_KEYS = ["test-only-audit-key-" + "0" * 20]
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
ALLOW_LOCAL_CLUSTERS = True
WEBHOOK_NETWORKS = ["127.0.0.0/8"]
STATIC_ROOT = _VAR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
POINTS_ARE_ALLOWED = True
LOG_FORMAT = "console"
LOG_LEVEL = "WARNING"

EMBEDDED = env.bool("BURSAR_TEST_EMBEDDED", default=False)
if EMBEDDED:
    DATABASES = {"default": sqlite_database(Path(env.str("BURSAR_TEST_SQLITE", default=str(_VAR / "bursar.sqlite3"))))}
    DATABASES["default"]["TEST"] = {"NAME": _VAR / "test.sqlite3"}
    CELERY_BROKER_URL = "folder://localhost"
    CELERY_BROKER_TRANSPORT_OPTIONS = {"folder": str(_VAR / "broker")}
else:
    DATABASES = {
        "default": env.db_url("BURSAR_DATABASE_URL", default="postgres://bursar:bursar@127.0.0.1:15432/bursar")
    }
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = POSTGRES_OPTIONS
    CELERY_BROKER_URL = WAKE_URL = env.str("BURSAR_REDIS_URL", default="redis://127.0.0.1:16379/0")
