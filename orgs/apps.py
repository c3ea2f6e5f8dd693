from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OrgsConfig(AppConfig):
    name = "orgs"

    def ready(self) -> None:
        from allauth.mfa.signals import authentication_failed
        from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

        from orgs import audit_links
        from orgs.access.roles import roles_sync
        from orgs.scope_picker import scope_picker
        from orgs.selectors.units import units_now
        from orgs.services import sign_in
        from orgs.webhooks.deliverer import deliver_forever
        from portal import background, questions
        from portal.audit_links import register_links
        from portal.shell import MenuLine, register_menu, register_scope_picker

        post_migrate.connect(roles_sync, sender=self)
        user_logged_in.connect(sign_in.signed_in)
        user_logged_out.connect(sign_in.signed_out)
        user_login_failed.connect(sign_in.sign_in_failed)
        authentication_failed.connect(sign_in.code_failed)
        questions.units_now.register(units_now)
        register_links(audit_links.unit_links, "unit", "account", "cluster", "department", "project")
        register_links(audit_links.rule_links, "accessrule")
        register_links(audit_links.person_links, "user")
        register_scope_picker(scope_picker)
        background.register("webhooks", deliver_forever)
        register_menu(
            MenuLine("Organization", "organization", "network", "Who", 1, "project:read", key="o"),
            MenuLine("Access", "access", "key-round", "Who", 30, "access_rule:read", key="a"),
            MenuLine("Audit", "audit", "scroll-text", "Insight", 30, "audit:read"),
            MenuLine("Settings", "settings", "settings", "foot", 1, "settings:read"),
        )
