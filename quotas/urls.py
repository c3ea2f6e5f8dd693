from django.urls import path

from quotas.views import edits, findings, guard, nodes, pool_order, pool_table, pools, quotas, suggestions, topologies

urlpatterns = [
    path("quotas/", quotas.QuotasPage.as_view(), name="quotas"),
    path("quotas/csv/", quotas.QuotasCsv.as_view(), name="quotas_csv"),
    path("quotas/effect/", edits.QuotasEffect.as_view(), name="quotas_effect"),
    path("quotas/save/", edits.QuotasSave.as_view(), name="quotas_save"),
    path("quotas/undo/", edits.QuotasUndo.as_view(), name="quotas_undo"),
    path("quotas/<int:unit>/<int:pool>/", quotas.QuotaCell.as_view(), name="quota_cell"),
    path("quotas/<int:unit>/<int:pool>/split/", edits.QuotaSplit.as_view(), name="quota_split"),
    path("findings/", findings.FindingsPage.as_view(), name="findings"),
    path("findings/csv/", findings.FindingsCsv.as_view(), name="findings_csv"),
    path("settings/guard/<int:pk>/<int:level>/", guard.GuardEdit.as_view(), name="guard"),
    path("pools/", pools.PoolsPage.as_view(), name="node_pools"),
    path("pools/matching/", pools.MatchingNodes.as_view(), name="pool_matching"),
    path(
        "pools/suggested/<int:cluster>/<str:what>/<path:key>/",
        suggestions.PoolsSuggested.as_view(),
        name="pools_suggested",
    ),
    path("pools/new/", pools.PoolCreate.as_view(), name="pool_create"),
    path("pools/<int:pk>/", pools.PoolEdit.as_view(), name="pool"),
    path("pools/<int:pk>/delete/", pools.PoolDelete.as_view(), name="pool_delete"),
    path("pools/table/", pool_table.PoolTable.as_view(), name="pool_table"),
    path("pools/table/csv/", pool_table.PoolsCsv.as_view(), name="pools_csv"),
    path("pools/order/<int:pk>/", pool_order.PoolOrderEdit.as_view(), name="pool_order"),
    path("pools/topologies/new/", topologies.TopologyCreate.as_view(), name="topology_create"),
    path("pools/topologies/<int:pk>/", topologies.TopologyEdit.as_view(), name="topology"),
    path("pools/topologies/<int:pk>/delete/", topologies.TopologyDelete.as_view(), name="topology_delete"),
    path("nodes/", nodes.NodesPage.as_view(), name="nodes"),
    path("nodes/<int:pk>/", nodes.NodePage.as_view(), name="node"),
]
