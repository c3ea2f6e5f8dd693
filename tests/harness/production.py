"""The web server as operations.md starts it, with the settings of production."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time

SECRET = "tests-only-" + "0" * 40


def production(database: str, broker: str) -> dict[str, str]:
    """The environment of an installation on these two."""
    return {
        "DJANGO_SETTINGS_MODULE": "portal.settings.production",
        "BURSAR_DATABASE_URL": database,
        "BURSAR_REDIS_URL": broker,
        "BURSAR_SECRET_KEY": SECRET,
        "BURSAR_AUDIT_KEYS": SECRET,
        "BURSAR_CREDENTIAL_KEYS": "5Q3zRS8_CUfgCC2cCKZTbyqpaKp4hf9N7TRPFZ1wSZE=",
        "BURSAR_ALLOWED_HOSTS": "127.0.0.1,testserver",
        "BURSAR_SSL_REDIRECT": "off",
        "BURSAR_LOG_LEVEL": "ERROR",
    }


def web(port: int, *options: str, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """With this process's environment, if no other is given."""
    command = [sys.executable, "-m", "uvicorn", "portal.asgi:application", "--port", str(port)]
    quiet = ["--log-level", "error", "--no-access-log", "--timeout-graceful-shutdown", "5"]
    return subprocess.Popen([*command, *quiet, *options], stdout=subprocess.DEVNULL, env=environment)


def wait_until_up(port: int, seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise TimeoutError("The web server did not come up.")
