from rest_framework.routers import SimpleRouter

from quotas.api import guard, organization, pools, quotas, topologies, usage

router = SimpleRouter(use_regex_path=False)
router.register("pools", pools.Pools, "pools")
router.register("nodes", pools.Nodes, "nodes")
router.register("quotas", quotas.Quotas, "quotas")
router.register("topologies", topologies.Topologies, "topologies")
router.register("findings", guard.Findings, "findings")
router.register("guards", guard.Guards, "guards")
router.register("organization", organization.Organization, "organization")
router.register("usage", usage.Usage, "usage")

urlpatterns = router.urls
