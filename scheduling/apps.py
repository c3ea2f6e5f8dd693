from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self) -> None:
        from orgs import hooks as orgs
        from orgs.happenings import register_kinds, register_log
        from portal import background
        from portal.audit_links import register_links
        from portal.selectors.readiness import register_readiness
        from portal.shell import MenuLine, SettingsPart, register_menu, register_settings
        from quotas import hooks as quotas
        from scheduling import answers, happenings
        from scheduling.clusters.kubernetes import vet_kubeconfig
        from scheduling.clusters.simulated import simulate_cluster
        from scheduling.loops.readiness import leases_ready
        from scheduling.loops.supervisor import supervise
        from scheduling.selectors.effect import quota_effect
        from scheduling.selectors.lending import unit_lending
        from scheduling.selectors.node_history import node_history
        from scheduling.selectors.visible import CREATE_WORK, READ_WORK
        from scheduling.selectors.workloads import waiting_count
        from scheduling.views.pool_choice import pool_choice_setting

        orgs.workloads_ever.register(answers.workloads_ever)
        orgs.workloads_impact.register(answers.workloads_impact)
        orgs.workloads_end.register(answers.workloads_end)
        orgs.unit_lending.register(unit_lending)
        orgs.live_pods.register(answers.live_pods)
        orgs.cluster_credentials_vetted.register(vet_kubeconfig)
        quotas.quota_effect.register(quota_effect)
        quotas.pool_work.register(answers.pool_work)
        quotas.topology_work.register(answers.topology_work)
        quotas.node_fills.register(answers.node_fills)
        quotas.node_cpu_used.register(answers.node_cpu_used)
        quotas.node_pods.register(answers.node_pods)
        quotas.node_history.register(node_history)
        orgs.simulated_nodes_create.register(simulate_cluster)
        register_links(answers.workload_links, "workload")
        register_menu(
            MenuLine("Overview", "overview", "layout-dashboard", "", 10, "overview:read", key="o"),
            MenuLine("My work", "my_work", "user-round", "", 20, CREATE_WORK, key="m"),
            MenuLine("Workloads", "workloads", "list-tree", "Where", 20, READ_WORK, count=waiting_count, key="w"),
            MenuLine("Reports", "reports", "chart-column", "Insight", 20, "reports:read", key="r"),
            MenuLine("Scheduler", "scheduler", "timer", "Where", 30, "scheduler:read", key="s"),
        )
        register_settings(SettingsPart("scheduling/pool_choice.html", pool_choice_setting))
        background.register("scheduling", supervise)
        register_kinds(*happenings.KINDS.values(), happenings.EVICTED)
        register_log(happenings.WorkloadEvents())
        register_log(happenings.Evictions())
        register_readiness("leases", leases_ready)
