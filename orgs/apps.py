from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OrgsConfig(AppConfig):
    name = "orgs"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

        from orgs.access.roles import roles_sync
        from orgs.scope_picker import scope_picker
        from orgs.selectors.units import units_now
        from orgs.services import sign_in
        from portal import questions
        from portal.shell import MenuLine, register_menu, register_scope_picker

        post_migrate.connect(roles_sync, sender=self)
        user_logged_in.connect(sign_in.signed_in)
        user_logged_out.connect(sign_in.signed_out)
        user_login_failed.connect(sign_in.sign_in_failed)
        questions.units_now.register(units_now)
        register_scope_picker(scope_picker)
        register_menu(
            MenuLine("Organization", "organization", "network", "Who", 1, "project:read", key="o"),
            MenuLine("Access", "access", "key-round", "Who", 30, "access_rule:read", key="a"),
            MenuLine("Settings", "settings", "settings", "foot", 1, "settings:read"),
        )
