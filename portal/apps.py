from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        # Tasks of every process are sent by this application.
        from portal import background, celery  # noqa: F401
        from portal.services.seal import seal_forever

        background.register("audit", seal_forever)
