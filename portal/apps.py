from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal import background
        from portal.services.seal import seal_forever

        background.register("audit", seal_forever)
