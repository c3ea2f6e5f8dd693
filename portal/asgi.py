"""The web server's entry point."""

import os

from django.core.asgi import get_asgi_application

from portal.settings.postgres import WEB

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.production")
os.environ.setdefault(WEB, "on")
application = get_asgi_application()
