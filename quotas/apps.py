from django.apps import AppConfig


class QuotasConfig(AppConfig):
    name = "quotas"

    def ready(self) -> None:
        from orgs import hooks
        from orgs.happenings import register_kinds, register_log, register_marks
        from portal.audit_links import register_links
        from portal.shell import MenuLine, SettingsPart, register_menu, register_settings
        from quotas import audit_links, happenings
        from quotas.selectors import figures, pool_order
        from quotas.selectors.access import access_setting, unset_access
        from quotas.selectors.finding import open_count
        from quotas.selectors.guard_lines import guard_settings
        from quotas.selectors.moves import quota_move_impact
        from quotas.services import mapping
        from quotas.services.guard import quotas_give_verdicts, unit_moving
        from quotas.services.pool import default_pool_create

        hooks.unit_figures.register(figures.unit_figures)
        hooks.unit_pool_figures.register(figures.unit_pool_figures)
        hooks.cluster_room.register(figures.cluster_room)
        hooks.unset_access.register(unset_access)
        hooks.quota_impact.register(figures.quota_impact)
        hooks.unit_pool_order.register(pool_order.unit_pool_order)
        hooks.quota_move_impact.register(quota_move_impact)
        hooks.unit_moving.register(unit_moving)
        hooks.pools_to_give.register(mapping.pools_to_give)
        hooks.quotas_give_verdicts.register(quotas_give_verdicts)
        hooks.quotas_give.register(mapping.quotas_give)
        hooks.unit_quotas.register(mapping.unit_quotas)
        hooks.quotas_take.register(mapping.quotas_take)
        hooks.quota_saves.register(mapping.quota_saves)
        hooks.default_pool_create.register(default_pool_create)
        register_kinds(happenings.CHANGED, happenings.OPENED, happenings.RESOLVED)
        register_log(happenings.QuotaChanges())
        register_marks(happenings.Findings())
        register_links(audit_links.quota_links, "quota")
        register_links(audit_links.pool_links, "pool")
        register_links(audit_links.topology_links, "topology")
        register_menu(
            MenuLine("Quotas", "quotas", "table-properties", "Who", 20, "quota:read", key="q"),
            MenuLine(
                "Findings", "findings", "scale", "Who", 21, "quota:read", count=open_count, counts="open", tone="warn"
            ),
            MenuLine("Node pools", "node_pools", "server", "Where", 10, "pool:read", key="n"),
        )
        register_settings(SettingsPart("quotas/guard_settings.html", guard_settings))
        register_settings(SettingsPart("quotas/access_setting.html", access_setting))
