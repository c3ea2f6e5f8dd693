"""The web server's entry point."""

import os

import django
from django.urls import get_resolver

from portal.collector import collect_rarely
from portal.settings.postgres import WEB

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.production")
os.environ.setdefault(WEB, "on")
django.setup(set_prefix=False)

from portal.handler import OneThread  # noqa: E402

application = OneThread()

_ = get_resolver().url_patterns
collect_rarely()
