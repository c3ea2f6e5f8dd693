"""The web server's entry point."""

import gc
import os

import django
from django.urls import get_resolver

from portal.settings.postgres import WEB

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.production")
os.environ.setdefault(WEB, "on")
django.setup(set_prefix=False)

from portal.handler import OneThread  # noqa: E402

application = OneThread()

# A request makes tens of thousands of objects, most of which are gone with it. What was loaded by now stays, and is not
# looked through again; the rest less often. Together a sixth of a request's time.
_ = get_resolver().url_patterns
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
